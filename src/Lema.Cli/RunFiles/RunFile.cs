using System.Text.Json.Nodes;
using Google.Protobuf;
using Lema.Protocol.Client;
using Lema.Protocol.V1;
using YamlDotNet.RepresentationModel;

namespace Lema.Cli.RunFiles;

/// <summary>A run described by a YAML file and <c>--set</c> values.</summary>
/// <param name="Settings">Every key that could be read.</param>
/// <param name="Problems">What is wrong with the others; empty: nothing.</param>
internal sealed record RunFile(string? Name, string? Model, string? Dataset, string? EvaluationDataset, RunSettings Settings, IReadOnlyList<RunFileProblem> Problems)
{
    public const string NameKey = "name";
    public const string ModelKey = "model";
    public const string DatasetKey = "dataset";
    public const string EvaluationDatasetKey = "evaluationDataset";

    /// <summary>Keys that say what is trained on what; all others are those of <see cref="RunSettings"/>.</summary>
    public static IReadOnlyList<string> SubjectKeys { get; } = [NameKey, ModelKey, DatasetKey, EvaluationDatasetKey];

    private RunFileSource? Source { get; init; }

    /// <param name="text">The file's text; null when there is none.</param>
    /// <param name="file">The file's name, for messages; empty when there is none.</param>
    /// <param name="assignments"><c>key=value</c> each, laid over the file in order.</param>
    /// <param name="read">Gives the text of a file that the run file names; null where there is none.</param>
    /// <exception cref="RunFileException">The text is no YAML mapping, so that nothing of it can be read.</exception>
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
        string?[] subject = [.. SubjectKeys.Select(key => SubjectOf(source, key, problems))];
        JsonObject json = RunFileConverter.Convert(source, RunSettings.Descriptor, SubjectKeys, problems);
        RunSettings settings = ToMessage(json, file, problems);
        return new RunFile(subject[0], subject[1], subject[2], subject[3], settings, problems) { Source = source };
    }

    /// <summary>
    /// What a daemon found wrong with this run, with the places where it stands; none when the failure is about anything else. What follows from a problem that is
    /// known already is left out.
    /// </summary>
    public IReadOnlyList<RunFileProblem> ProblemsOf(Failure failure)
    {
        bool isAboutKeys = failure.Problems.Count > 0 && failure.Problems.All(problem => RunFileKey.IsKnown(problem.Field));
        return !isAboutKeys ? [] : [.. failure.Problems.Where(found => !Problems.Any(known => known.IsAbout(found.Field))).Select(found => Located(found.Field, Told(found)))];
    }

    private RunFileProblem Located(string key, string problem) => Source is { } source ? source.Problem(key, problem) : new RunFileProblem("", 0, key, problem);

    /// <summary>The daemon names the key too.</summary>
    private static string Told(FieldProblem found)
    {
        string named = found.Field + ": ";
        int at = found.Problem.IndexOf(named, StringComparison.Ordinal);
        return at < 0 ? found.Problem : found.Problem[(at + named.Length)..];
    }

    private static string? SubjectOf(RunFileSource source, string key, List<RunFileProblem> problems)
    {
        if (!source.Root.Children.TryGetValue(new YamlScalarNode(key), out YamlNode? value)) return null;
        if (value is YamlScalarNode scalar) return RunFileScalar.IsNull(scalar) ? null : scalar.Value;
        problems.Add(source.Problem(value, key, "expected a name"));
        return null;
    }

    private static RunSettings ToMessage(JsonObject settings, string file, List<RunFileProblem> problems)
    {
        try
        {
            return JsonParser.Default.Parse<RunSettings>(settings.ToJsonString());
        }
        catch (InvalidProtocolBufferException invalid)
        {
            // A number too large for its type, which its range has told already where the key has one.
            if (problems.Count == 0) problems.Add(new RunFileProblem(file, 0, "", invalid.Message));
            return new RunSettings();
        }
    }
}
