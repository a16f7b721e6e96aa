using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lema.Engine.Errors;
using Lema.Engine.Models.Configuration;

namespace Lema.Engine.Adapters;

/// <summary>adapter_config.json of a PEFT folder, both ways.</summary>
public static class AdapterConfig
{
    public const string FileName = "adapter_config.json";

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    // Options that change the result and are not implemented: only their neutral values are accepted.
    private static readonly string[] NeutralOnly =
    [
        "alora_invocation_tokens", "arrow_config", "corda_config", "eva_config", "exclude_modules", "kasa_config", "layer_replication", "layers_pattern",
        "lora_ga_config", "monteclora_config", "trainable_token_indices", "use_bdlora", "velora_config",
    ];

    private static readonly HashSet<string> Harmless =
    [
        "auto_mapping", "base_model_name_or_path", "inference_mode", "megatron_config", "megatron_core", "peft_version",
        "qalora_group_size", "revision", "task_type", "loftq_config", "runtime_config", "ensure_weight_tying",
    ];

    /// <summary>Reads the options of an adapter folder.</summary>
    /// <exception cref="LemaException">The file is missing or broken, is not LoRA, or asks for an option that is not implemented.</exception>
    public static LoraSettings Read(string folder)
    {
        string file = Path.Combine(folder, FileName);
        if (!File.Exists(file)) throw new NotFoundException("adapter", folder, $"A PEFT adapter folder holds {FileName}; check the path.");
        ConfigReader config = new(file);
        config.OneOf("peft_type", "LORA", "LORA");
        config.OneOf("bias", "none", "none");
        config.MustBe("lora_bias", false);
        config.MustBe("use_qalora", false);
        // Others, such as PiSSA, start from a changed base.
        if (config.IsText("init_lora_weights")) config.OneOf("init_lora_weights", "gaussian", "gaussian", "eva", "orthogonal");
        else _ = config.Flag("init_lora_weights", true);
        foreach (string key in NeutralOnly.Where(config.HasMeaning)) config.Problem(key, "is an option that is not implemented and changes the result.");
        LoraSettings settings = new()
        {
            R = config.PositiveInt("r"),
            Alpha = config.PositiveNumber("lora_alpha"),
            Dropout = config.AnyNumber("lora_dropout", 0),
            TargetModules = config.IsText("target_modules") ? [] : [.. config.Texts("target_modules")],
            TargetModulesRegex = config.IsText("target_modules") ? config.Text("target_modules") : null,
            TargetParameters = [.. config.Texts("target_parameters")],
            LayersToTransform = config.IsNumber("layers_to_transform") ? [config.NonNegativeInt("layers_to_transform")] : [.. config.Ints("layers_to_transform")],
            RankPattern = Pattern(config.Section("rank_pattern"), (section, key) => section.PositiveInt(key)),
            AlphaPattern = Pattern(config.Section("alpha_pattern"), (section, key) => section.PositiveNumber(key)),
            ModulesToSave = [.. config.Texts("modules_to_save")],
            UseRslora = config.Flag("use_rslora", false),
            UseDora = config.Flag("use_dora", false),
        };
        _ = config.Flag("fan_in_fan_out", false);
        config.RejectUnread(Harmless);
        config.ThrowIfInvalid();
        return settings;
    }

    /// <summary>Writes every key that PEFT 0.21 writes.</summary>
    /// <param name="baseModel">Name or folder of the base model, for PEFT to find it.</param>
    /// <param name="targets">The short names that stand for <c>all-linear</c>.</param>
    /// <param name="fanInFanOut">The adapted weights are stored [in, out] (GPT-2).</param>
    public static void Write(string folder, LoraSettings settings, string baseModel, IEnumerable<string> targets, bool fanInFanOut)
    {
        JsonObject json = new();
        foreach (string key in NeutralOnly) json[key] = null;
        json["alpha_pattern"] = new JsonObject(settings.AlphaPattern.Select(p => new KeyValuePair<string, JsonNode?>(p.Key, Number(p.Value))));
        json["auto_mapping"] = null;
        json["base_model_name_or_path"] = baseModel;
        json["bias"] = "none";
        json["ensure_weight_tying"] = false;
        json["fan_in_fan_out"] = fanInFanOut;
        json["inference_mode"] = true;
        json["init_lora_weights"] = true;
        json["layers_to_transform"] = OrNull(settings.LayersToTransform);
        json["loftq_config"] = new JsonObject();
        json["lora_alpha"] = Number(settings.Alpha);
        json["lora_bias"] = false;
        json["lora_dropout"] = settings.Dropout == 0 ? JsonNode.Parse("0.0") : settings.Dropout;
        json["megatron_config"] = null;
        json["megatron_core"] = "megatron.core";
        json["modules_to_save"] = OrNull(settings.ModulesToSave);
        json["peft_type"] = "LORA";
        json["peft_version"] = "0.21.2";
        json["qalora_group_size"] = 16;
        json["r"] = settings.R;
        json["rank_pattern"] = new JsonObject(settings.RankPattern.Select(p => new KeyValuePair<string, JsonNode?>(p.Key, p.Value)));
        json["revision"] = null;
        json["target_modules"] = settings.TargetModulesRegex is { } regex ? regex : new JsonArray([.. targets.Select(t => (JsonNode)t)]);
        json["target_parameters"] = OrNull(settings.TargetParameters);
        json["task_type"] = "CAUSAL_LM";
        json["use_dora"] = settings.UseDora;
        json["use_qalora"] = false;
        json["use_rslora"] = settings.UseRslora;
        JsonObject sorted = new(json.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => new KeyValuePair<string, JsonNode?>(p.Key, p.Value?.DeepClone())));
        File.WriteAllText(Path.Combine(folder, FileName), sorted.ToJsonString(Indented) + "\n");
    }

    private static JsonNode Number(double value) => value == Math.Floor(value) && Math.Abs(value) < 1e15 ? (long)value : value;

    private static JsonArray? OrNull<T>(ImmutableArray<T> values) => values.IsDefaultOrEmpty ? null : new([.. values.Select(v => JsonValue.Create(v))]);

    private static ImmutableArray<KeyValuePair<string, T>> Pattern<T>(ConfigReader? section, Func<ConfigReader, string, T> read) =>
        section is null ? [] : [.. section.Keys.Select(key => KeyValuePair.Create(key, read(section, key)))];
}
