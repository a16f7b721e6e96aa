using Google.Protobuf;
using Lema.Cli.Errors;
using Lema.Cli.Terminals;
using Lema.Protocol.V1;
using YamlDotNet.RepresentationModel;

namespace Lema.Cli.RunFiles;

/// <summary>A reply format by the name of a built-in one, or in a YAML file of its own. What its values mean is for the daemon to check.</summary>
internal static class ReplyFormatFile
{
    private const string Section = "data", Key = "replyFormat", Name = "name";

    /// <param name="nameOrPath">A file of this machine, or a name.</param>
    /// <exception cref="CliException">There is no such file.</exception>
    /// <exception cref="RunFileException">The file holds something else than a reply format: every problem at once.</exception>
    public static ReplyFormat Read(CliEnvironment environment, string nameOrPath)
    {
        if (Text(environment, nameOrPath) is { } text)
        {
            List<RunFileProblem> problems = [];
            string json = RunFileConverter.Convert(RunFileSource.Parse(text, nameOrPath), ReplyFormat.Descriptor, [], problems).ToJsonString();
            return problems.Count == 0 ? JsonParser.Default.Parse<ReplyFormat>(json) : throw new RunFileException(problems);
        }
        return IsName(nameOrPath) ? new ReplyFormat { Name = nameOrPath } : throw new CliException(ExitCode.NotFound, $"There is no file {environment.FullPath(nameOrPath)}.", "docs/formats.md shows how one looks.");
    }

    /// <summary>Puts the format in the place where a run file names it.</summary>
    /// <param name="read">Gives a file's text; null where there is none.</param>
    public static void Include(RunFileSource source, Func<string, string?> read, List<RunFileProblem> problems)
    {
        if (!source.Root.Children.TryGetValue(new YamlScalarNode(Section), out YamlNode? section) || section is not YamlMappingNode data) return;
        if (!data.Children.TryGetValue(new YamlScalarNode(Key), out YamlNode? value) || value is not YamlScalarNode { Value: { } named } || RunFileScalar.IsNull(value)) return;
        try
        {
            if (read(named) is { } text) source.Include(data, Key, text, named);
            else if (IsName(named)) data.Children[new YamlScalarNode(Key)] = new YamlMappingNode(Name, named);
            else
            {
                problems.Add(source.Problem(value, $"{Section}.{Key}", $"there is no file {named}"));
                data.Children.Remove(new YamlScalarNode(Key));
            }
        }
        catch (RunFileException invalid)
        {
            problems.AddRange(invalid.Problems);
            data.Children.Remove(new YamlScalarNode(Key));
        }
    }

    /// <summary>The text of a file; null where there is none.</summary>
    public static string? Text(CliEnvironment environment, string path) => File.Exists(environment.FullPath(path)) ? File.ReadAllText(environment.FullPath(path)) : null;

    private static bool IsName(string text) => !text.Contains('/') && !text.Contains('.') && !text.Contains('\\');
}
