using System.Text;
using System.Text.Json;
using Lema.Engine.Errors;

namespace Lema.Engine.Datasets.Replies;

/// <summary>Facts in file order with the relations that put them into words. The built-in one is part of the assembly.</summary>
public sealed class FactBase
{
    private const string FactsHeader = "id\trelation\tsubject\tobject";
    private static readonly Lazy<FactBase> LazyBuiltIn = new(ReadBuiltIn);
    private static readonly JsonSerializerOptions RelationsJson = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, AllowDuplicateProperties = false };

    private FactBase(IReadOnlyList<Fact> facts, IReadOnlyDictionary<string, Relation> relations)
    {
        Facts = facts;
        Relations = relations;
    }

    /// <summary>Some 3,300 facts that lema-tiny knows.</summary>
    public static FactBase BuiltIn => LazyBuiltIn.Value;

    public IReadOnlyList<Fact> Facts { get; }

    public IReadOnlyDictionary<string, Relation> Relations { get; }

    /// <summary>Reads <paramref name="factsFile"/> (tab-separated, UTF-8, one header row) and <paramref name="relationsFile"/> (JSON).</summary>
    /// <exception cref="InvalidInputException">A malformed line, a repeated (relation, subject), a relation without templates, an unknown placeholder.</exception>
    public static FactBase Load(string factsFile, string relationsFile)
    {
        using FileStream facts = Open(factsFile), relations = Open(relationsFile);
        return Read(facts, factsFile, relations, relationsFile);
    }

    private static FileStream Open(string path) =>
        File.Exists(path) ? File.OpenRead(path) : throw new NotFoundException("file", path, "Give the fact base as a .tsv of facts and a .json of relations.");

    private static FactBase ReadBuiltIn()
    {
        const string facts = "facts.tsv", relations = "relations.json";
        using Stream factsStream = EmbeddedAsset.Open(facts), relationsStream = EmbeddedAsset.Open(relations);
        return Read(factsStream, facts, relationsStream, relations);
    }

    private static FactBase Read(Stream facts, string factsName, Stream relations, string relationsName)
    {
        IReadOnlyDictionary<string, Relation> known = ReadRelations(relations, relationsName);
        return new FactBase(ReadFacts(facts, factsName, known), known);
    }

    private static Dictionary<string, Relation> ReadRelations(Stream stream, string name)
    {
        RelationsFile? file;
        try
        {
            file = JsonSerializer.Deserialize<RelationsFile>(stream, RelationsJson);
        }
        catch (JsonException e)
        {
            throw new InvalidInputException(name, $"line {e.LineNumber + 1}", $"not the JSON of relations: {e.Message}", e);
        }
        if (file?.Relations is not { Count: > 0 } relations) throw new InvalidInputException(name, "relations", "is missing or empty");
        foreach ((string key, Relation relation) in relations)
        {
            if (relation is not { Questions.Count: > 0, Explanations.Count: > 0, Answer.Length: > 0, Confidence.Length: > 0 })
                throw new InvalidInputException(name, $"relations.{key}", "needs questions, answer, explanations and confidence");
            foreach (string template in (IEnumerable<string>)[.. relation.Questions, relation.Answer, .. relation.Explanations])
            {
                if (FactTemplate.FindUnknown(template) is { } unknown)
                    throw new InvalidInputException(name, $"relations.{key}", $"unknown placeholder {unknown} in '{template}'");
            }
        }
        return relations;
    }

    private static List<Fact> ReadFacts(Stream stream, string name, IReadOnlyDictionary<string, Relation> relations)
    {
        using StreamReader reader = new(stream, new UTF8Encoding(false, throwOnInvalidBytes: true));
        if (ReadLine(reader, name, 1) != FactsHeader) throw new InvalidInputException(name, "line 1", "expected the tab-separated header id, relation, subject, object");
        List<Fact> facts = [];
        HashSet<(string, string)> seen = [];
        for (int line = 2; ReadLine(reader, name, line) is { } text; line++)
        {
            string[] cells = text.Split('\t');
            if (cells.Length != 4 || cells.Any(string.IsNullOrWhiteSpace)) throw new InvalidInputException(name, $"line {line}", "expected four non-empty tab-separated cells");
            if (!relations.ContainsKey(cells[1])) throw new InvalidInputException(name, $"line {line}", $"relation '{cells[1]}' has no templates");
            if (!seen.Add((cells[1], cells[2]))) throw new InvalidInputException(name, $"line {line}", $"({cells[1]}, {cells[2]}) occurs twice");
            facts.Add(new Fact(cells[0], cells[1], cells[2], cells[3]));
        }
        return facts;
    }

    private static string? ReadLine(StreamReader reader, string name, int line)
    {
        try
        {
            return reader.ReadLine();
        }
        catch (DecoderFallbackException e)
        {
            throw new InvalidInputException(name, $"line {line} or soon after", "not UTF-8; save the file as UTF-8", e);
        }
    }

    private sealed record RelationsFile(Dictionary<string, Relation> Relations);
}
