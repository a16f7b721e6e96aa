using System.Collections;
using System.Text.Json;
using Lema.Engine.Errors;
using Parquet;
using Parquet.Serialization;

namespace Lema.Engine.Datasets.Files;

/// <summary>Parquet, one row group at a time; nested columns (a list of messages, say) become nested JSON.</summary>
internal static class ParquetRows
{
    public static IEnumerable<RawRow> Read(string path)
    {
        int groups = Groups(path);
        long row = 0;
        for (int group = 0; group < groups; group++)
        {
            foreach (IDictionary<string, object?> record in Group(path, group))
            {
                row++;
                yield return new RawRow(row, JsonSerializer.SerializeToElement(Plain(record)), null);
            }
        }
    }

    private static int Groups(string path) => Guarded(path, async () =>
    {
        await using ParquetReader reader = await ParquetReader.CreateAsync(path).ConfigureAwait(false);
        return reader.RowGroupCount;
    });

    private static IEnumerable<IDictionary<string, object?>> Group(string path, int group) => Guarded(path, async () =>
    {
        using FileStream stream = File.OpenRead(path);
        var read = await ParquetSerializer.DeserializeUntypedAsync(stream, null, group).ConfigureAwait(false);
        return (IEnumerable<IDictionary<string, object?>>)read.Data;
    });

    private static T Guarded<T>(string path, Func<Task<T>> read)
    {
        try
        {
            return Task.Run(read).GetAwaiter().GetResult();
        }
        catch (Exception problem) when (problem is not (LemaException or OutOfMemoryException))
        {
            throw new InvalidInputException(path, "", $"is not valid Parquet: {problem.Message}", problem);
        }
    }

    // Only what JSON has: dictionaries, lists, strings, numbers, booleans; anything else as its text.
    private static object? Plain(object? value) => value switch
    {
        null or string or bool or int or long or float or double or decimal or short or byte => value,
        byte[] bytes => System.Text.Encoding.UTF8.GetString(bytes),
        IDictionary<string, object?> record => record.ToDictionary(field => field.Key, field => Plain(field.Value)),
        IDictionary map => map.Keys.Cast<object>().ToDictionary(key => key.ToString()!, key => Plain(map[key])),
        IEnumerable items => items.Cast<object?>().Select(Plain).ToList(),
        _ => Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture),
    };
}
