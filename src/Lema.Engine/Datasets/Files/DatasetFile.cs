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

    /// <summary>The records in file order. A record that cannot be read carries its problem; the rest of the file is still read where that is possible.</summary>
    /// <exception cref="NotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidInputException">The file as a whole cannot be read.</exception>
    public static IEnumerable<RawRow> Read(string path)
    {
        if (!File.Exists(path)) throw new NotFoundException("Dataset", path, "Check the path.");
        string plain = Uncompressed(path);
        return Path.GetExtension(plain).ToLowerInvariant() switch
        {
            ".jsonl" or ".ndjson" => Guarded(path, JsonLines.Read(path, () => Open(path))),
            ".json" => Guarded(path, JsonArrayFile.Read(path, () => Open(path))),
            ".csv" => Guarded(path, CsvRows.Read(path, () => Open(path), ",")),
            ".tsv" => Guarded(path, CsvRows.Read(path, () => Open(path), "\t")),
            ".parquet" when plain == path => Guarded(path, ParquetRows.Read(path)),
            string other => throw new InvalidInputException(path, "", $"'{other}' is not the ending of a dataset file. Known are {string.Join(", ", Endings)}, also with .gz or .zst."),
        };
    }

    private static string Uncompressed(string path) => Path.GetExtension(path).ToLowerInvariant() is ".gz" or ".zst" ? path[..^Path.GetExtension(path).Length] : path;

    private static Stream Open(string path)
    {
        FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
        return Path.GetExtension(path).ToLowerInvariant() switch
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
