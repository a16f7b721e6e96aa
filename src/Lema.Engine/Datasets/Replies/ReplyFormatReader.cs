using Lema.Engine.Errors;
using YamlDotNet.Core;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace Lema.Engine.Datasets.Replies;

/// <summary>Reads a <see cref="ReplyFormat"/> from YAML: <c>name</c>, <c>prompt</c>, <c>open</c>, <c>fields</c> (each <c>name</c> and perhaps <c>values</c>), <c>close</c>, <c>answer</c>.</summary>
public static class ReplyFormatReader
{
    /// <exception cref="NotFoundException">No such file.</exception>
    /// <exception cref="InvalidInputException">Not YAML, or an unknown key.</exception>
    /// <exception cref="InvalidInputsException">Everything that is wrong with its values.</exception>
    public static ReplyFormat Load(string path)
    {
        if (!File.Exists(path)) throw new NotFoundException("reply format", path, "Give the path of a YAML file.");
        using StreamReader reader = new(path);
        return Read(reader, path);
    }

    internal static ReplyFormat Read(TextReader reader, string source)
    {
        FormatFile? file;
        try
        {
            file = new DeserializerBuilder().WithNamingConvention(CamelCaseNamingConvention.Instance).WithDuplicateKeyChecking().Build().Deserialize<FormatFile>(reader);
        }
        catch (YamlException e)
        {
            throw new InvalidInputException(source, $"line {e.Start.Line}, column {e.Start.Column}", $"{(e.InnerException ?? e).Message}. See docs/formats.md for the keys.", e);
        }
        if (file is null) throw new InvalidInputException(source, "", "is empty");
        ReplyFormat format = new(
            file.Name ?? "", file.Prompt, file.Open ?? "", [.. (file.Fields ?? []).Select(field => new ReplyField(field?.Name ?? "", field?.Values ?? []))], file.Close ?? "", file.Answer ?? "");
        List<InvalidInputException> problems = [.. ReplyFormatCheck.Problems(format).Select(problem => new InvalidInputException(source, problem.Key, problem.Problem))];
        return problems.Count == 0 ? format : throw new InvalidInputsException(problems);
    }

    private sealed class FormatFile
    {
        public string? Name { get; set; }
        public string? Prompt { get; set; }
        public string? Open { get; set; }
        public List<FieldEntry?>? Fields { get; set; }
        public string? Close { get; set; }
        public string? Answer { get; set; }
    }

    private sealed class FieldEntry
    {
        public string? Name { get; set; }
        public List<string>? Values { get; set; }
    }
}
