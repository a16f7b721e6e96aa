using System.Text;
using Lema.Engine.Errors;
using Lema.Engine.Models;
using Lema.Testing;

namespace Lema.Fuzz.Targets;

/// <summary>The config.json of a model. Begins with those of the repository's models.</summary>
internal sealed class ConfigTarget : IFuzzTarget, IDisposable
{
    private readonly TemporaryFiles _files = new();

    public string Name => "config";

    public IReadOnlyList<byte[]> Dictionary { get; } =
    [
        .. new[]
        {
            "{", "}", "[", "]", ",", ":", "null", "true", "false", "0", "-1", "1e308", "1e999", "9223372036854775807", "2147483648", "0.5", "\"NaN\"", "NaN", "\"llama3\"", "\"yarn\"", "\"linear\"",
            "\"rope_scaling\"", "\"hidden_size\"", "\"num_attention_heads\"", "\"num_key_value_heads\"", "\"vocab_size\"", "\"rope_theta\"", "\"layer_types\"", "\"sliding_window\"",
        }.Concat(ModelFamilies.Names.Select(name => $"\"{name}\"")).Select(Encoding.UTF8.GetBytes),
    ];

    public IEnumerable<byte[]> Corpus() => new[] { "assets", Path.Combine("tests", "Lema.Engine.Tests", "Fixtures") }
        .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Repository.Folder, folder), "config.json", SearchOption.AllDirectories)).Select(File.ReadAllBytes);

    public string Parse(byte[] input)
    {
        _files.Write("config.json", input);
        try
        {
            return $"taken as {ModelFamilies.Read(_files.Folder).GetType().Name}";
        }
        catch (InvalidInputException refusal)
        {
            return Outcome.Of(refusal);
        }
        catch (InvalidInputsException refusals)
        {
            return string.Join(" / ", refusals.Problems.Select(Outcome.Of).Distinct());
        }
    }

    public byte[] Mend(byte[] input) => input;

    public void Dispose() => _files.Dispose();
}
