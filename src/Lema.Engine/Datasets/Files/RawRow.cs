using System.Text.Json;
using Lema.Engine.Errors;

namespace Lema.Engine.Datasets.Files;

/// <summary>One record of a dataset file, before its format is known.</summary>
/// <param name="Line">Line of the file, from 1; the row where the file has no lines.</param>
/// <param name="Value">An object of fields; null where the record cannot be read.</param>
/// <param name="Problem">Why it cannot be read.</param>
public sealed record RawRow(long Line, JsonElement? Value, InvalidInputException? Problem);
