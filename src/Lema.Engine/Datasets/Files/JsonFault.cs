using System.Text.Json;

namespace Lema.Engine.Datasets.Files;

/// <summary>What the JSON parser found wrong, without its own line and column, which count from 0 within the text that it was given.</summary>
internal static class JsonFault
{
    /// <summary>A sentence such as "is not valid JSON at byte 2: …"; the byte counts from 1 within its line.</summary>
    public static string Of(JsonException problem)
    {
        int place = problem.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        string message = place < 0 ? problem.Message : problem.Message[..place];
        return problem.BytePositionInLine is { } column ? $"is not valid JSON at byte {column + 1}: {message}" : $"is not valid JSON: {message}";
    }
}
