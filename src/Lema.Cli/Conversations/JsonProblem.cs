using System.Text.Json;

namespace Lema.Cli.Conversations;

/// <summary>What is wrong with a line of JSON, in the terms of the person who wrote it.</summary>
internal static class JsonProblem
{
    /// <summary>The parser's message without its own line number, which counts from 0 within the one line it was given, and with a column instead.</summary>
    public static string Of(JsonException invalid)
    {
        int place = invalid.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        string message = place < 0 ? invalid.Message : invalid.Message[..place];
        return invalid.BytePositionInLine is { } column ? $"{message} (column {column + 1})" : message;
    }
}
