using System.Text.Json.Nodes;
using Google.Protobuf;
using Lema.Protocol.V1;
using YamlDotNet.RepresentationModel;

namespace Lema.Cli.RunFiles;

/// <summary>A run described by a YAML file and <c>--set</c> values.</summary>
internal sealed record RunFile(string? Name, string? Model, string? Dataset, string? EvaluationDataset, RunSettings Settings)
{
    public const string NameKey = "name";
    public const string ModelKey = "model";
    public const string DatasetKey = "dataset";
    public const string EvaluationDatasetKey = "evaluationDataset";

    /// <summary>Keys that say what is trained on what; all others are those of <see cref="RunSettings"/>.</summary>
    public static IReadOnlyList<string> SubjectKeys { get; } = [NameKey, ModelKey, DatasetKey, EvaluationDatasetKey];

    /// <param name="text">The file's text; null when there is none.</param>
    /// <param name="file">The file's name, for messages.</param>
    /// <param name="assignments"><c>key=value</c> each, laid over the file in order.</param>
    /// <param name="read">Gives the text of a file that the run file names; null where there is none.</param>
    /// <exception cref="RunFileException">Something is wrong: every problem at once.</exception>
    public static RunFile Parse(string? text, string file, IEnumerable<string> assignments, Func<string, string?>? read = null)
    {
        RunFileSource source = RunFileSource.Parse(text, file);
        List<RunFileProblem> problems = [];
        foreach (string assignment in assignments)
        {
            try
            {
                source.Override(assignment);
            }
            catch (RunFileException invalid)
            {
                problems.AddRange(invalid.Problems);
            }
        }
        ReplyFormatFile.Include(source, read ?? (_ => null), problems);
        Dictionary<string, string?> subject = SubjectKeys.ToDictionary(key => key, key => Take(source, key, problems), StringComparer.Ordinal);
        JsonObject settings = Convert(source, problems);
        if (problems.Count > 0) throw new RunFileException(problems);
        return new RunFile(subject[NameKey], subject[ModelKey], subject[DatasetKey], subject[EvaluationDatasetKey], ToMessage(settings, file));
    }

    private static JsonObject Convert(RunFileSource source, List<RunFileProblem> problems)
    {
        try
        {
            return RunFileConverter.Convert(source, RunSettings.Descriptor, SubjectKeys);
        }
        catch (RunFileException invalid)
        {
            problems.AddRange(invalid.Problems);
            return [];
        }
    }

    private static string? Take(RunFileSource source, string key, List<RunFileProblem> problems)
    {
        YamlScalarNode name = new(key);
        if (!source.Root.Children.TryGetValue(name, out YamlNode? value)) return null;
        source.Root.Children.Remove(name);
        if (value is YamlScalarNode scalar) return RunFileScalar.IsNull(scalar) ? null : scalar.Value;
        problems.Add(source.Problem(value, key, "expected a name"));
        return null;
    }

    private static RunSettings ToMessage(JsonObject settings, string file)
    {
        try
        {
            return JsonParser.Default.Parse<RunSettings>(settings.ToJsonString());
        }
        catch (InvalidProtocolBufferException invalid)
        {
            throw new RunFileException([new RunFileProblem(file, 0, "", invalid.Message)]);
        }
    }
}
