using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Lema.Protocol.V1;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Lema.Web.RunFiles;

/// <summary>
/// A run and the text of its run file, both ways: the YAML that <c>lema-remote train --config</c> takes. Its keys are those of the settings' JSON form,
/// and beside them name, model, dataset and evaluationDataset.
/// </summary>
public static class RunFileText
{
    private static readonly string[] Subjects = ["name", "model", "dataset", "evaluationDataset"];
    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default);
    private static readonly JsonParser Parser = new(JsonParser.Settings.Default);

    public static string Write(StartRunRequest run)
    {
        YamlMappingNode root = [];
        string[] values = [run.Name, run.Model, run.Dataset, run.EvaluationDataset];
        for (int i = 0; i < Subjects.Length; i++)
        {
            if (values[i].Length > 0) root.Add(Subjects[i], values[i]);
        }
        using JsonDocument settings = JsonDocument.Parse(Formatter.Format(run.Settings ?? new RunSettings()));
        foreach (JsonProperty property in settings.RootElement.EnumerateObject()) root.Add(property.Name, YamlJson.ToYaml(property.Value));
        using StringWriter text = new();
        new YamlStream(new YamlDocument(root)).Save(text, assignAnchors: false);
        string yaml = text.ToString().ReplaceLineEndings("\n");
        return yaml.EndsWith("...\n", StringComparison.Ordinal) ? yaml[..^4] : yaml;
    }

    /// <exception cref="RunFileException">The text is no such YAML; the message says where and what.</exception>
    public static StartRunRequest Read(string yaml)
    {
        StartRunRequest run = new() { Settings = new RunSettings() };
        if (Root(yaml) is not { } root) return run;
        foreach (string subject in Subjects)
        {
            YamlScalarNode key = new(subject);
            if (!root.Children.TryGetValue(key, out YamlNode? value)) continue;
            root.Children.Remove(key);
            if (value is not YamlScalarNode scalar) throw new RunFileException($"{subject}: line {value.Start.Line}: expected a name.");
            Take(run, subject, scalar.Value ?? "");
        }
        JsonObject settings = YamlJson.ToJson(root);
        NameReplyFormat(settings);
        try
        {
            run.Settings = Parser.Parse<RunSettings>(settings.ToJsonString());
        }
        catch (Exception invalid) when (invalid is InvalidProtocolBufferException or InvalidJsonException)
        {
            throw new RunFileException(WrongKey(settings, "", inner => inner) is { } key ? $"{key}: {invalid.Message}" : invalid.Message, invalid);
        }
        return run;
    }

    /// <summary>A single word is the name of a built-in format; a file of the user's machine is out of reach.</summary>
    private static void NameReplyFormat(JsonObject settings)
    {
        if (settings["data"] is not JsonObject data || data["replyFormat"] is not JsonValue named) return;
        string name = named.ToString();
        if (name.Contains('.') || name.Contains('/')) throw new RunFileException($"data.replyFormat: the file {name} cannot be read from here. Write its keys (name, open, fields, close, answer) below data.replyFormat.");
        data["replyFormat"] = new JsonObject { ["name"] = name };
    }

    /// <summary>The parser does not say which value it stumbled over: the one that fails alone is it.</summary>
    /// <param name="wrap">Puts a value back where it stood among its parents.</param>
    private static string? WrongKey(JsonObject settings, string prefix, Func<JsonObject, JsonObject> wrap)
    {
        foreach ((string name, JsonNode? value) in settings)
        {
            JsonObject Alone(JsonNode? inner) => wrap(new JsonObject { [name] = inner?.DeepClone() });
            if (value is JsonObject section && WrongKey(section, prefix + name + ".", Alone) is { } inside) return inside;
            try
            {
                Parser.Parse<RunSettings>(Alone(value).ToJsonString());
            }
            catch (Exception invalid) when (invalid is InvalidProtocolBufferException or InvalidJsonException)
            {
                return prefix + name;
            }
        }
        return null;
    }

    private static YamlMappingNode? Root(string yaml)
    {
        try
        {
            YamlStream stream = [];
            stream.Load(new StringReader(yaml));
            return stream.Documents switch
            {
                [] => null,
                [{ RootNode: YamlMappingNode root }] => root,
                _ => throw new RunFileException("A run file is one mapping of keys to values."),
            };
        }
        catch (YamlException invalid)
        {
            throw new RunFileException($"Line {invalid.Start.Line}: {invalid.Message}", invalid);
        }
    }

    private static void Take(StartRunRequest run, string subject, string value)
    {
        switch (subject)
        {
            case "name": run.Name = value; break;
            case "model": run.Model = value; break;
            case "dataset": run.Dataset = value; break;
            case "evaluationDataset": run.EvaluationDataset = value; break;
        }
    }
}
