namespace Lema.Engine.Generation;

/// <summary>
/// Watches one reply's text for stop strings as it arrives piece by piece. Text that may be the beginning of a stop string is held back until the next piece
/// decides, so that no part of a stop string is ever shown.
/// </summary>
public sealed class StopStrings(IReadOnlyList<string> stops)
{
    private string _held = "";

    /// <summary>The stop string that was found, or null so far.</summary>
    public string? Found { get; private set; }

    /// <summary>Takes the next piece and gives back the text that can be shown now. After a stop string was found it gives back nothing.</summary>
    public string Push(string piece)
    {
        if (Found is not null) return "";
        if (stops.Count == 0) return piece;
        string text = _held + piece;
        int at = FirstStop(text);
        if (at < 0) at = text.Length - HeldLength(text);
        _held = Found is null ? text[at..] : "";
        return text[..at];
    }

    /// <summary>The text still held back, when the reply ends without a stop string.</summary>
    public string Finish()
    {
        string rest = _held;
        _held = "";
        return rest;
    }

    private int FirstStop(string text)
    {
        int first = -1;
        foreach (string stop in stops)
        {
            int at = text.IndexOf(stop, StringComparison.Ordinal);
            if (at < 0 || (first >= 0 && at >= first)) continue;
            first = at;
            Found = stop;
        }
        return first;
    }

    /// <summary>Length of the longest end of the text that begins a stop string.</summary>
    private int HeldLength(string text)
    {
        int longest = Math.Min(text.Length, stops.Max(stop => stop.Length) - 1);
        for (int length = longest; length > 0; length--)
        {
            string end = text[^length..];
            if (stops.Any(stop => stop.StartsWith(end, StringComparison.Ordinal))) return length;
        }
        return 0;
    }
}
