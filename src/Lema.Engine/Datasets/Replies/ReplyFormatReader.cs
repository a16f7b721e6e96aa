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
        List<InvalidInputException> problems = [.. Check(file).Select(problem => new InvalidInputException(source, problem.Key, problem.Text))];
        if (problems.Count > 0) throw new InvalidInputsException(problems);
        return new ReplyFormat(
            file.Name!, file.Prompt!, file.Open!, [.. file.Fields!.Select(field => new ReplyField(field!.Name!, field.Values ?? []))], file.Close!, file.Answer!);
    }

    private static IEnumerable<(string Key, string Text)> Check(FormatFile file)
    {
        if (string.IsNullOrWhiteSpace(file.Name)) yield return ("name", "is missing");
        if (string.IsNullOrEmpty(file.Prompt)) yield return ("prompt", "is missing");
        else if (file.Prompt.Split(ReplyFormat.QuestionPlaceholder).Length != 2) yield return ("prompt", $"must hold {ReplyFormat.QuestionPlaceholder} exactly once");
        if (!IsLine(file.Open)) yield return ("open", "must be one line of text");
        if (!IsLine(file.Close)) yield return ("close", "must be one line of text");
        if (file.Open is { Length: > 0 } && file.Open == file.Close) yield return ("close", "must differ from open");
        if (file.Fields is not { Count: > 0 })
        {
            yield return ("fields", "is missing or empty");
            yield break;
        }
        for (int i = 0; i < file.Fields.Count; i++)
        {
            FieldEntry? field = file.Fields[i];
            if (!IsLine(field?.Name) || field!.Name!.Contains(':')) yield return ($"fields[{i}].name", "must be one line of text without a colon");
            if (field?.Values is { } values && (values.Count == 0 || !values.All(IsLine))) yield return ($"fields[{i}].values", "must hold lines of text, or be left out");
        }
        if (file.Fields.Select(field => field?.Name).Distinct().Count() != file.Fields.Count) yield return ("fields", "names must differ");
        if (!file.Fields.Any(field => field?.Name == file.Answer)) yield return ("answer", $"must name one of the fields, is '{file.Answer}'");
    }

    private static bool IsLine(string? text) => !string.IsNullOrWhiteSpace(text) && !text.Contains('\n') && !text.Contains('\r');

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
