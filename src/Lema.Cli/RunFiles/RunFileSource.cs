using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Lema.Cli.RunFiles;

/// <summary>The YAML tree of a run file with the <c>--set</c> values laid over it; knows where each node came from.</summary>
internal sealed class RunFileSource
{
    private const string OverrideSource = "--set";

    private readonly string _file;
    private readonly Dictionary<YamlNode, string> _origins = new(ReferenceEqualityComparer.Instance);

    private RunFileSource(string file, YamlMappingNode root)
    {
        _file = file;
        Root = root;
    }

    public YamlMappingNode Root { get; }

    /// <param name="text">The run file; null when the run is described by options alone.</param>
    /// <param name="file">Its name, for messages.</param>
    /// <exception cref="RunFileException">The text is no YAML mapping.</exception>
    public static RunFileSource Parse(string? text, string file)
    {
        YamlNode? root = text is null ? null : Load(text, file);
        return root switch
        {
            null => new RunFileSource(file, new YamlMappingNode()),
            YamlScalarNode { Value: null or "" } => new RunFileSource(file, new YamlMappingNode()),
            YamlMappingNode mapping => new RunFileSource(file, mapping),
            _ => throw new RunFileException([new RunFileProblem(file, (int)root.Start.Line, "", "a run file is a mapping of keys to values")]),
        };
    }

    /// <summary>Lays one <c>key=value</c> over the tree; a dotted key reaches into nested mappings and the value is YAML.</summary>
    /// <exception cref="RunFileException">There is no <c>=</c>, or the value is no YAML.</exception>
    public void Override(string assignment)
    {
        int equals = assignment.IndexOf('=');
        if (equals <= 0) throw new RunFileException([new RunFileProblem(OverrideSource, 0, assignment, "expected key=value, such as lora.r=8")]);
        string[] path = assignment[..equals].Trim().Split('.');
        YamlNode value = Load(assignment[(equals + 1)..], $"{OverrideSource} {assignment[..equals]}") ?? new YamlScalarNode("");
        Mark(value, OverrideSource);
        YamlMappingNode at = Root;
        foreach (string part in path[..^1]) at = Descend(at, part);
        Replace(at, path[^1], value);
    }

    /// <summary>Puts another file's mapping in the place of a value.</summary>
    /// <exception cref="RunFileException">The text is no YAML mapping.</exception>
    public void Include(YamlMappingNode at, string key, string text, string file)
    {
        YamlMappingNode root = Parse(text, file).Root;
        Mark(root, file);
        at.Children[new YamlScalarNode(key)] = root;
    }

    public RunFileProblem Problem(YamlNode node, string key, string problem)
    {
        string origin = _origins.GetValueOrDefault(node, _file);
        return new RunFileProblem(origin, origin == OverrideSource ? 0 : (int)node.Start.Line, key, problem);
    }

    /// <summary>A problem of a dotted key, at the place of the innermost part of it that is written down.</summary>
    public RunFileProblem Problem(string key, string problem)
    {
        YamlNode? place = null;
        YamlNode at = Root;
        foreach (string part in key.Split('.'))
        {
            if (at is not YamlMappingNode mapping || mapping.Children.Keys.FirstOrDefault(name => name is YamlScalarNode { Value: { } text } && text == part) is not { } name) break;
            place = name;
            at = mapping.Children[name];
        }
        return place is null ? new RunFileProblem(_file, 0, key, problem) : Problem(place, key, problem);
    }

    private YamlMappingNode Descend(YamlMappingNode at, string key)
    {
        if (at.Children.TryGetValue(new YamlScalarNode(key), out YamlNode? found) && found is YamlMappingNode mapping) return mapping;
        YamlMappingNode made = new();
        _origins[made] = OverrideSource;
        Replace(at, key, made);
        return made;
    }

    private void Replace(YamlMappingNode at, string key, YamlNode value)
    {
        YamlScalarNode name = new(key);
        at.Children.Remove(name);
        _origins[name] = OverrideSource;
        at.Children.Add(name, value);
    }

    private void Mark(YamlNode node, string origin)
    {
        foreach (YamlNode part in node.AllNodes) _origins[part] = origin;
    }

    private static YamlNode? Load(string text, string source)
    {
        YamlStream stream = [];
        try
        {
            stream.Load(new StringReader(text));
        }
        catch (YamlException problem)
        {
            throw new RunFileException([new RunFileProblem(source, (int)problem.Start.Line, "", problem.InnerException?.Message ?? problem.Message)]);
        }
        return stream.Documents.Count == 0 ? null : stream.Documents[0].RootNode;
    }
}
