using Lema.Engine.Datasets.Files;
using Lema.Engine.Datasets.Replies;
using Lema.Engine.Errors;

namespace Lema.Engine.Datasets.Rows;

/// <summary>A row on its way from the file to the model.</summary>
/// <param name="Line">Line of the file, from 1; the row where the file has no lines.</param>
/// <param name="Row">Null where it could not be read.</param>
/// <param name="Problem">Why it could not.</param>
public sealed record SourceRow(long Line, DatasetRow? Row, InvalidInputException? Problem);

/// <summary>The rows of a text dataset with its format known.</summary>
public sealed class RowSource
{
    private readonly RowParser _parser;

    /// <param name="file">A file that <see cref="DatasetFile"/> reads.</param>
    /// <param name="replies">The format of replies for rows of questions; null: the built-in one.</param>
    /// <exception cref="LemaException">The file cannot be read, or its format is not known.</exception>
    public RowSource(string file, ReplyFormat? replies = null)
    {
        File = file;
        Format = FormatDetector.Detect(file);
        _parser = new RowParser(file, Format.Format, replies ?? ReplyFormat.Lema);
    }

    public string File { get; }

    public DetectedFormat Format { get; }

    /// <summary>Every row in file order, those that cannot be read with their problem.</summary>
    public IEnumerable<SourceRow> Read() => DatasetFile.Read(File).Select(Parse);

    private SourceRow Parse(RawRow raw)
    {
        try
        {
            return new SourceRow(raw.Line, _parser.Parse(raw), null);
        }
        catch (InvalidInputException problem)
        {
            return new SourceRow(raw.Line, null, problem);
        }
    }
}
