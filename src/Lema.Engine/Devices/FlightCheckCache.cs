using System.Text.Json;
using Lema.Engine.Streaming.Planning;
using TorchSharp;

namespace Lema.Engine.Devices;

/// <summary>Keeps the speeds of a machine in a small file, so that a run measures only once per host, element type and model file.</summary>
public sealed class FlightCheckCache(string file)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(7);

    /// <summary>Counts up when something is measured in another way: what was kept before means something else.</summary>
    private const int Method = 2;

    /// <summary>In the user's cache folder.</summary>
    public static FlightCheckCache Default => new(Path.Combine(
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"), "lema", "speeds.json"));

    /// <summary>Kept speeds that are not too old, or what <paramref name="measure"/> gives.</summary>
    public MeasuredSpeeds GetOrMeasure(string modelFile, torch.ScalarType type, Func<MeasuredSpeeds> measure)
    {
        string key = $"{Method}/{Environment.MachineName}/{Environment.ProcessorCount}/{type}/{modelFile}";
        Dictionary<string, Entry> entries = Read();
        if (entries.TryGetValue(key, out Entry? kept) && DateTime.UtcNow - kept.MeasuredUtc < Lifetime) return kept.Speeds;
        MeasuredSpeeds speeds = measure();
        entries[key] = new Entry(DateTime.UtcNow, speeds);
        Write(entries);
        return speeds;
    }

    private Dictionary<string, Entry> Read()
    {
        try
        {
            return File.Exists(file) ? JsonSerializer.Deserialize<Dictionary<string, Entry>>(File.ReadAllText(file)) ?? [] : [];
        }
        catch (Exception error) when (error is JsonException or IOException or UnauthorizedAccessException)
        {
            // A cache that cannot be read is measured anew.
            return [];
        }
    }

    private void Write(Dictionary<string, Entry> entries)
    {
        string temporary = $"{file}.{Environment.ProcessId}";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(temporary, JsonSerializer.Serialize(entries));
            File.Move(temporary, file, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Nothing is lost but the next start's seconds.
            if (File.Exists(temporary)) File.Delete(temporary);
        }
    }

    private sealed record Entry(DateTime MeasuredUtc, MeasuredSpeeds Speeds);
}
