using Lema.Engine.Errors;
using Lema.Engine.Models.Configuration;
using Lema.Engine.Models.Families;

namespace Lema.Engine.Models;

/// <summary>The families that are implemented, by the <c>model_type</c> of config.json.</summary>
public static class ModelFamilies
{
    private static readonly Dictionary<string, Func<ConfigReader, DecoderModel>> Readers = new()
    {
        ["gemma2"] = Gemma2Model.Read,
        ["gemma3_text"] = Gemma3Model.Read,
        ["gpt2"] = Gpt2Model.Read,
        ["granite"] = GraniteModel.Read,
        ["lfm2"] = Lfm2Model.Read,
        ["lfm2_moe"] = Lfm2MoeModel.Read,
        ["llama"] = LlamaModel.Read,
        ["mistral"] = MistralModel.Read,
        ["mixtral"] = MixtralModel.Read,
        ["olmo2"] = Olmo2Model.Read,
        ["phi3"] = Phi3Model.Read,
        ["qwen2"] = Qwen2Model.Read,
        ["qwen3"] = Qwen3Model.Read,
        ["qwen3_moe"] = Qwen3MoeModel.Read,
        ["smollm3"] = SmolLm3Model.Read,
    };

    public static IEnumerable<string> Names => Readers.Keys.Order(StringComparer.Ordinal);

    /// <summary>Reads config.json of a Hugging Face folder.</summary>
    /// <exception cref="LemaException">The file is missing or broken, the family is unknown, or a field that changes the mathematics is not implemented.</exception>
    public static DecoderModel Read(string folder)
    {
        string file = Path.Combine(folder, "config.json");
        if (!File.Exists(file)) throw new NotFoundException("model", folder, "A model folder holds config.json beside its .safetensors; check the path.");
        ConfigReader config = new(file);
        string type = config.Text("model_type");
        config.ThrowIfInvalid();
        if (!Readers.TryGetValue(type, out Func<ConfigReader, DecoderModel>? read))
            throw new InvalidInputException(file, "model_type", $"'{type}' is not implemented; supported: {string.Join(", ", Names)}.");
        config.MustNotHave("quantization_config", "quantised checkpoints cannot be trained; use the unquantised one.");
        DecoderModel model = read(config);
        config.RejectUnread(HarmlessFields.Common);
        config.ThrowIfInvalid();
        return model;
    }
}
