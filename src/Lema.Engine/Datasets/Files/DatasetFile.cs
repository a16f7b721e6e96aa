using System.IO.Compression;
using Lema.Engine.Errors;
using ZstdSharp;

namespace Lema.Engine.Datasets.Files;

/// <summary>
/// Reads the records of a dataset file one after another, in bounded memory: JSON Lines, a JSON array, CSV, TSV or Parquet by the name's ending, each but
/// Parquet also compressed with gzip or zstd.
/// </summary>
public static class DatasetFile
{
    /// <summary>Endings that are understood, without those of compression.</summary>
    public static readonly IReadOnlyList<string> Endings = [".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet"];

    /// <summary>Whether an ending, as <see cref="EndingOf"/> gives it, is understood.</summary>
    public static bool IsEnding(string ending) => Endings.Contains(Uncompressed(ending)) && ending != ".parquet.gz" && ending != ".parquet.zst";

    /// <summary>The ending of a file's name that says its format, that of its compression included: <c>.jsonl.gz</c>.</summary>
    public static string EndingOf(string path)
    {
        string name = Path.GetFileName(path).ToLowerInvariant(), last = Path.GetExtension(name);
        return last is ".gz" or ".zst" ? Path.GetExtension(name[..^last.Length]) + last : last;
    }

    /// <summary>The records in file order. A record that cannot be read carries its problem; the rest of the file is still read where that is possible.</summary>
    /// <exception cref="NotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidInputException">The file as a whole cannot be read.</exception>
    public static IEnumerable<RawRow> Read(string path) => Read(path, EndingOf(path));

    /// <param name="ending">The ending that counts, where the file's own name has another.</param>
    public static IEnumerable<RawRow> Read(string path, string ending)
    {
        if (!File.Exists(path)) throw new NotFoundException("Dataset", path, "Check the path.");
        string format = Uncompressed(ending), compression = ending[format.Length..];
        IEnumerable<RawRow> rows = format switch
        {
            ".jsonl" or ".ndjson" => JsonLines.Read(path, Open),
            ".json" => JsonArrayFile.Read(path, Open),
            ".csv" => CsvRows.Read(path, Open, ","),
            ".tsv" => CsvRows.Read(path, Open, "\t"),
            ".parquet" when compression.Length == 0 => ParquetRows.Read(path),
            _ => throw new InvalidInputException(path, "", $"'{ending}' is not the ending of a dataset file. Known are {string.Join(", ", Endings)}, also with .gz or .zst."),
        };
        return Guarded(path, rows);

        Stream Open() => Opened(path, compression);
    }

    private static string Uncompressed(string ending) => Path.GetExtension(ending) is ".gz" or ".zst" ? Path.GetFileNameWithoutExtension(ending) : ending;

    private static Stream Opened(string path, string compression)
    {
        FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
        return compression switch
        {
            ".gz" => new GZipStream(file, CompressionMode.Decompress),
            ".zst" => new DecompressionStream(file, leaveOpen: false),
            _ => file,
        };
    }

    // Reading happens while the rows are walked through, so the errors of streams are translated there.
    private static IEnumerable<RawRow> Guarded(string path, IEnumerable<RawRow> rows)
    {
        using IEnumerator<RawRow> row = rows.GetEnumerator();
        while (Next(path, row)) yield return row.Current;
    }

    private static bool Next(string path, IEnumerator<RawRow> row)
    {
        try
        {
            return row.MoveNext();
        }
        catch (Exception problem) when (problem is InvalidDataException or ZstdException or EndOfStreamException)
        {
            throw new InvalidInputException(path, "", $"cannot be decompressed or decoded: {problem.Message} Make the file again.", problem);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new StorageException(path, 0, problem.Message, problem);
        }
    }
}
