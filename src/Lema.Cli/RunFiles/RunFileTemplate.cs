using System.Text;

namespace Lema.Cli.RunFiles;

/// <summary>A run file to start from: every key with what it means, the defaults as comments.</summary>
internal static class RunFileTemplate
{
    private const int CommentColumn = 36;

    /// <param name="schemaFile">Name of the JSON schema beside the file, for editors.</param>
    public static string Write(string model, string dataset, string schemaFile)
    {
        StringBuilder text = new();
        text.Append($"""
            # yaml-language-server: $schema=./{schemaFile}
            # A training run of Lema: lema-remote train --config THIS_FILE
            # Keys that are commented out show their defaults. Each key can also be set on the command line: --set lora.r=8
            model: {model}
            dataset: {dataset}
            steps: 200

            """.ReplaceLineEndings("\n"));
        foreach (RunFileKey key in RunFileKey.All.Where(k => k.Name != "steps")) Append(text, key);
        return text.ToString();
    }

    private static void Append(StringBuilder text, RunFileKey key)
    {
        int depth = key.Name.Count(c => c == '.');
        string name = key.Name[(key.Name.LastIndexOf('.') + 1)..];
        if (key.IsSection) text.Append('\n');
        string line = $"# {new string(' ', depth * 2)}{name}:{(key.Default.Length > 0 ? " " + key.Default : "")}";
        string values = key.Field.FieldType == Google.Protobuf.Reflection.FieldType.Enum ? $" ({string.Join(", ", RunFileScalar.Names(key.Field.EnumType))})" : "";
        text.Append($"{line.PadRight(CommentColumn)} # {key.Description}{values}\n");
    }
}
