namespace Lema.Cli.RunFiles;

/// <summary>One thing that is wrong with a run file or a <c>--set</c>.</summary>
/// <param name="Source">The file, or <c>--set</c>.</param>
/// <param name="Line">Line of the file from 1; 0 where there is none.</param>
/// <param name="Key">The dotted key, empty for the whole.</param>
internal sealed record RunFileProblem(string Source, int Line, string Key, string Problem)
{
    public override string ToString()
    {
        string place = Line > 0 ? $"{Source}:{Line}" : Source;
        return Key.Length == 0 ? $"{place}: {Problem}" : $"{place}: {Key}: {Problem}";
    }
}
