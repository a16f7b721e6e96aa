namespace Lema.Cli.RunFiles;

/// <summary>One thing that is wrong with a run file or a <c>--set</c>.</summary>
/// <param name="Source">The file, or <c>--set</c>; empty where a key stands in neither.</param>
/// <param name="Line">Line of the file from 1; 0 where there is none.</param>
/// <param name="Key">The dotted key, empty for the whole.</param>
internal sealed record RunFileProblem(string Source, int Line, string Key, string Problem)
{
    public override string ToString()
    {
        string place = Line > 0 ? $"{Source}:{Line}" : Source;
        return string.Join(": ", new[] { place, Key, Problem }.Where(part => part.Length > 0));
    }

    /// <summary>Whether it is about a key, the section the key is in, or something within the key's value.</summary>
    public bool IsAbout(string key) => Key == key || IsWithin(Key, key) || IsWithin(key, Key);

    private static bool IsWithin(string key, string outer) => outer.Length > 0 && key.Length > outer.Length && key[outer.Length] is '.' or '[' && key.StartsWith(outer, StringComparison.Ordinal);
}
