using System.Text.Json;
using System.Text.Json.Serialization;
using Lema.Engine.Errors;

namespace Lema.Engine.Training;

/// <summary>Run settings as they are kept with a checkpoint.</summary>
public static class RunSettingsFile
{
    public const string FileName = "run_settings.json";

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    public static void Write(string folder, RunSettings settings) => File.WriteAllText(Path.Combine(folder, FileName), JsonSerializer.Serialize(settings, Options) + "\n");

    /// <exception cref="InvalidInputException">The file is missing or broken.</exception>
    public static RunSettings Read(string folder)
    {
        string file = Path.Combine(folder, FileName);
        try
        {
            return JsonSerializer.Deserialize<RunSettings>(File.ReadAllText(file), Options) ?? throw new JsonException("it is null");
        }
        catch (Exception e) when (e is JsonException or IOException)
        {
            throw new InvalidInputException(file, "", $"cannot be read ({e.Message}); use another checkpoint.", e);
        }
    }
}
