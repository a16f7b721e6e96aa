using System.Text.Json;
using Lema.Engine.Errors;
using Lema.Engine.Storage;

namespace Lema.Engine.Models.Configuration;

/// <summary>
/// Reads a model's config.json strictly: every value is checked, all problems are reported together, and a field that nobody asked for is an error unless
/// it is known to leave the mathematics alone.
/// </summary>
public sealed class ConfigReader
{
    private readonly string _file;
    private readonly Dictionary<string, JsonElement> _fields = [];
    private readonly HashSet<string> _read = [];
    private readonly List<InvalidInputException> _problems = [];

    public ConfigReader(string file)
    {
        _file = file;
        try
        {
            using JsonDocument document = JsonText.Parse(File.ReadAllBytes(file), new() { AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw new JsonException("the root is not an object");
            foreach (JsonProperty property in document.RootElement.EnumerateObject()) _fields[property.Name] = property.Value.Clone();
        }
        catch (JsonException e)
        {
            throw new InvalidInputException(file, "", $"not a valid JSON object ({e.Message}). Fetch the file again from the model's publisher.", e);
        }
    }

    private ConfigReader(string file, string place, JsonElement element, List<InvalidInputException> problems)
    {
        _file = file;
        Place = place;
        _problems = problems;
        foreach (JsonProperty property in element.EnumerateObject()) _fields[property.Name] = property.Value;
    }

    private string Place { get; } = "";

    public IEnumerable<string> Keys => _fields.Keys;

    /// <summary>True where the field is there and not null.</summary>
    public bool Has(string key) => TryGet(key, out _);

    /// <summary>True where the field is anything but null, false, or an empty list or object.</summary>
    public bool HasMeaning(string key) => TryGet(key, out JsonElement value) && value.ValueKind != JsonValueKind.False && value.GetRawText() is not ("[]" or "{}");

    public bool IsText(string key) => TryGet(key, out JsonElement value) && value.ValueKind == JsonValueKind.String;

    public bool IsNumber(string key) => TryGet(key, out JsonElement value) && value.ValueKind == JsonValueKind.Number;

    public int PositiveInt(string key, int? fallback = null) => (int)Number(key, fallback, 1, int.MaxValue, whole: true);

    public int NonNegativeInt(string key, int? fallback = null) => (int)Number(key, fallback, 0, int.MaxValue, whole: true);

    public int? OptionalInt(string key) => TryGet(key, out _) ? PositiveInt(key) : null;

    public double PositiveNumber(string key, double? fallback = null) => Number(key, fallback, double.Epsilon, 1e30, whole: false);

    public double? OptionalNumber(string key) => TryGet(key, out _) ? PositiveNumber(key) : null;

    public double AnyNumber(string key, double? fallback = null) => Number(key, fallback, -1e30, 1e30, whole: false);

    public bool Flag(string key, bool fallback)
    {
        if (!TryGet(key, out JsonElement value)) return fallback;
        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False) return value.GetBoolean();
        Problem(key, $"is {value.GetRawText()}, expected true or false.");
        return fallback;
    }

    public string Text(string key, string? fallback = null)
    {
        if (!TryGet(key, out JsonElement value))
        {
            if (fallback is null) Problem(key, "is missing.");
            return fallback ?? "";
        }
        if (value.ValueKind == JsonValueKind.String) return value.GetString()!;
        Problem(key, $"is {value.GetRawText()}, expected text.");
        return fallback ?? "";
    }

    /// <summary>A field with only these values implemented; another one would change the result.</summary>
    public string OneOf(string key, string fallback, params ReadOnlySpan<string> supported)
    {
        string value = Text(key, fallback);
        if (!supported.Contains(value)) Problem(key, $"is '{value}', which is not implemented; supported: {string.Join(", ", supported.ToArray())}.");
        return value;
    }

    /// <summary>A flag that is only implemented as <paramref name="value"/>.</summary>
    public void MustBe(string key, bool value)
    {
        if (Flag(key, value) != value) Problem(key, $"is {(value ? "false" : "true")}, which changes the result and is not implemented.");
    }

    /// <summary>A number that is only implemented as <paramref name="value"/>.</summary>
    public void MustBe(string key, double value)
    {
        if (AnyNumber(key, value) != value) Problem(key, $"is {AnyNumber(key, value)}, which changes the result and is not implemented; supported: {value}.");
    }

    public void MustNotHave(string key, string problem)
    {
        if (Has(key)) Problem(key, problem);
    }

    public string[] Texts(string key) => List(key, JsonValueKind.String, element => element.GetString()!);

    public int[] Ints(string key) => List(key, JsonValueKind.Number, element => element.TryGetInt32(out int value) ? value : -1);

    public double[] Numbers(string key) => List(key, JsonValueKind.Number, element => element.GetDouble());

    public ConfigReader? Section(string key)
    {
        if (!TryGet(key, out JsonElement value)) return null;
        if (value.ValueKind == JsonValueKind.Object) return new(_file, Qualified(key), value, _problems);
        Problem(key, $"is {value.ValueKind}, expected an object.");
        return null;
    }

    public void Problem(string key, string problem) => _problems.Add(new(_file, Qualified(key), problem));

    /// <summary>Reports fields that were not read and are not among the harmless ones.</summary>
    public void RejectUnread(IReadOnlySet<string> harmless)
    {
        foreach ((string key, JsonElement value) in _fields)
        {
            if (_read.Contains(key) || harmless.Contains(key) || value.ValueKind == JsonValueKind.Null || key.StartsWith('_') || key.EndsWith("_version", StringComparison.Ordinal))
                continue;
            if (value.ValueKind == JsonValueKind.False && HarmlessFields.WhenFalse.Contains(key)) continue;
            Problem(key, "is not a field that this model type is known to have. It might change the result, so it is refused; remove it if it does not.");
        }
    }

    /// <exception cref="InvalidInputsException">Something was wrong with the fields read so far.</exception>
    public void ThrowIfInvalid()
    {
        if (_problems.Count == 1) throw _problems[0];
        if (_problems.Count > 0) throw new InvalidInputsException(_problems);
    }

    private string Qualified(string key) => Place.Length == 0 ? key : $"{Place}.{key}";

    private bool TryGet(string key, out JsonElement value)
    {
        _read.Add(key);
        return _fields.TryGetValue(key, out value) && value.ValueKind != JsonValueKind.Null;
    }

    private double Number(string key, double? fallback, double least, double most, bool whole)
    {
        if (!TryGet(key, out JsonElement value))
        {
            if (fallback is null) Problem(key, "is missing.");
            return fallback ?? least;
        }
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number >= least && number <= most && (!whole || number == Math.Floor(number)))
            return number;
        Problem(key, $"is {value.GetRawText()}, expected {(whole ? "a whole number" : "a number")} of at least {(least == double.Epsilon ? "more than 0" : least)}.");
        return fallback ?? Math.Max(least, 1);
    }

    private T[] List<T>(string key, JsonValueKind kind, Func<JsonElement, T> convert)
    {
        if (!TryGet(key, out JsonElement value)) return [];
        if (value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(item => item.ValueKind == kind)) return [.. value.EnumerateArray().Select(convert)];
        Problem(key, $"is {value.GetRawText()}, expected a list of {(kind == JsonValueKind.String ? "texts" : "numbers")}.");
        return [];
    }
}
