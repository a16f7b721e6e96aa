using System.Text.Json;
using System.Text.Json.Nodes;
using Lema.Engine.Errors;

namespace Lema.Engine.Weights;

/// <summary>The files of a Hugging Face folder beside its weights: config, tokenizer, templates, licence.</summary>
internal static class ModelFolderFiles
{
    private static readonly string[] Kinds = [".json", ".model", ".txt", ".jinja", ".md", ".tiktoken"];
    private static readonly string[] DtypeKeys = ["dtype", "torch_dtype"];

    /// <param name="dtype">Type that config.json names in the copy; null: as it is.</param>
    /// <exception cref="InvalidInputException">A file is a link out of the folder, or config.json is not a JSON object.</exception>
    public static void Copy(string folder, string target, string? dtype)
    {
        foreach (string file in Directory.EnumerateFiles(folder).Where(IsWanted))
        {
            string name = Path.GetFileName(file);
            if (!RealPath.IsInside(folder, file)) throw new InvalidInputException(file, "", "is a symbolic link out of the model's folder; copy the file itself into the folder");
            string copy = Path.Combine(target, name);
            if (name == "config.json" && dtype is not null) File.WriteAllText(copy, WithDtype(file, dtype));
            else File.Copy(file, copy);
            File.SetAttributes(copy, FileAttributes.Normal);
        }
    }

    private static bool IsWanted(string file)
    {
        string name = Path.GetFileName(file);
        if (name.StartsWith('.') || name.EndsWith(".index.json", StringComparison.Ordinal)) return false;
        return Kinds.Contains(Path.GetExtension(name)) || name.StartsWith("LICENSE", StringComparison.Ordinal) || name.StartsWith("NOTICE", StringComparison.Ordinal);
    }

    private static string WithDtype(string file, string dtype)
    {
        try
        {
            JsonObject config = JsonNode.Parse(File.ReadAllText(file))!.AsObject();
            string[] present = [.. DtypeKeys.Where(config.ContainsKey)];
            foreach (string key in present.Length > 0 ? present : ["torch_dtype"]) config[key] = dtype;
            return config.ToJsonString(new JsonSerializerOptions { WriteIndented = true });
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or NullReferenceException or ArgumentException)
        {
            throw new InvalidInputException(file, "", $"is not a JSON object: {error.Message}", error);
        }
    }
}
