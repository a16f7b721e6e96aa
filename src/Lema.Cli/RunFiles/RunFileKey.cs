using Google.Protobuf.Reflection;
using Lema.Protocol.V1;

namespace Lema.Cli.RunFiles;

/// <summary>A key of the run file.</summary>
/// <param name="Name">Dotted, such as <c>lora.r</c>.</param>
/// <param name="Field">Its field.</param>
/// <param name="Default">What it is when it is left out, as YAML; empty where that is said in words.</param>
internal sealed record RunFileKey(string Name, FieldDescriptor Field, string Default, string Description)
{
    private static readonly Dictionary<string, (string Default, string Description)> Texts = new(StringComparer.Ordinal)
    {
        ["seed"] = ("0", "One seed, one run: initial adapter, row order and dropout."),
        ["steps"] = ("", "Optimizer updates. Give this or epochs."),
        ["epochs"] = ("", "Passes over the dataset. Give this or steps."),
        ["microBatchSize"] = ("4", "Rows of a micro-batch."),
        ["gradientAccumulation"] = ("1", "Micro-batches of a step; the weights are streamed once for all of them."),
        ["maxLength"] = ("512", "Tokens of a row at the most."),
        ["learningRate"] = ("1e-3", "Learning rate after the warm-up."),
        ["schedule"] = ("cosine", "How the learning rate goes on after the warm-up."),
        ["warmupSteps"] = ("0", "Steps over which the learning rate rises."),
        ["warmupStart"] = ("zero", "zero: step s of the warm-up has s / warmupSteps of the rate; one: (s + 1) / warmupSteps."),
        ["weightDecay"] = ("0", "AdamW's weight decay."),
        ["adamBeta1"] = ("0.9", "Decay of the first moment."),
        ["adamBeta2"] = ("0.999", "Decay of the second moment."),
        ["adamEpsilon"] = ("1e-8", "Added to the root of the second moment."),
        ["clipGradNorm"] = ("1", "Largest total gradient norm; 0: no clipping."),
        ["precision"] = ("bf16", "Arithmetic of the frozen model; LoRA parameters are float32 in every case."),
        ["initAdapter"] = ("", "Adapter to start from: a PEFT folder of this machine, an uploaded adapter's name, or run/NAME."),
        ["lora"] = ("", "LoRA, with the names and meanings of PEFT's LoraConfig."),
        ["lora.r"] = ("16", "Rank."),
        ["lora.alpha"] = ("32", "Scale times rank."),
        ["lora.dropout"] = ("0", "Dropout on the adapter's input."),
        ["lora.targetModules"] = ("[all-linear]", "Module names or suffixes, or all-linear for every linear layer but the output head."),
        ["lora.targetModulesRegex"] = ("", "Instead of targetModules: a regular expression for the whole module name."),
        ["lora.targetParameters"] = ("[]", "Fused expert parameters, such as mlp.experts.gate_up_proj."),
        ["lora.layersToTransform"] = ("[]", "Numbers of the layers that get an adapter; empty: all."),
        ["lora.rankPattern"] = ("{}", "Ranks of single modules by name pattern; the first that matches decides."),
        ["lora.alphaPattern"] = ("{}", "Alphas of single modules by name pattern."),
        ["lora.modulesToSave"] = ("[]", "Modules that are trained and saved whole."),
        ["lora.useRslora"] = ("false", "Scale alpha / sqrt(r) instead of alpha / r."),
        ["lora.useDora"] = ("false", "Weight-decomposed LoRA."),
        ["fullFineTuning"] = ("", "Instead of lora: train parameters of the base model itself."),
        ["fullFineTuning.blocks"] = ("[all]", "last:K, first:K, block numbers, emb, head or all."),
        ["fullFineTuning.modules"] = ("[]", "Suffixes of parameter names within the blocks; empty: every parameter."),
        ["memory"] = ("", "Budgets in bytes (also 6MiB, 2GiB). Left out: as much as the machine has to spare."),
        ["memory.weightBytes"] = ("", "Slots, pinned layers, embedding rows and head tiles."),
        ["memory.totalBytes"] = ("", "Peak resident size of the process, runtime included."),
        ["memory.deviceBytes"] = ("", "Memory of the accelerator."),
        ["checkpoint"] = ("", "Checkpoints are PEFT adapter folders with the state to go on exactly."),
        ["checkpoint.everySteps"] = ("0", "Steps between checkpoints; 0: only at the end."),
        ["checkpoint.keepLast"] = ("3", "Checkpoints kept, besides the best."),
        ["evaluation"] = ("", "Evaluation on held-out rows during training."),
        ["evaluation.everySteps"] = ("0", "Steps between evaluations; 0: none."),
        ["evaluation.rows"] = ("32", "Held-out rows to evaluate."),
        ["evaluation.metric"] = ("loss", "What makes a checkpoint the best: loss, validFormat, rightAnswer."),
        ["evaluation.patience"] = ("0", "Evaluations in a row without a better metric after which the run ends early; 0: never."),
        ["data"] = ("", "How the run reads its dataset."),
        ["data.shuffle"] = ("true", "Rows in an order drawn from the seed, another one each epoch; false: in file order, over and over."),
        ["data.groupByLength"] = ("false", "Rows of similar length share a micro-batch."),
        ["data.packing"] = ("false", "Several short rows fill one sequence of maxLength tokens; they do not see each other."),
        ["data.truncation"] = ("cut", "What becomes of a row longer than maxLength: cut on the right, drop it, refuse the dataset."),
        ["data.labels"] = ("completion", "Tokens that carry loss: completion (every assistant turn), lastTurn, all."),
        ["data.replyFormat"] = ("", "The form of the replies, which evaluations and chats judge by: a YAML file (docs/formats.md), its keys, or lema, which is built in."),
        ["autoResume"] = ("true", "Whether the run is queued again by itself after the daemon went down."),
    };

    /// <summary>Every key, parents before their children.</summary>
    public static IReadOnlyList<RunFileKey> All { get; } = [.. Of(RunSettings.Descriptor, "")];

    /// <summary>Whether the key holds keys of its own.</summary>
    public bool IsSection => Field is { FieldType: FieldType.Message, IsRepeated: false, IsMap: false } && !RunFileScalar.IsWrapper(Field.MessageType) && !IsReplyFormat(Field);

    /// <summary>Whether a place that a daemon names is a key of a run file, or lies within the value of one.</summary>
    public static bool IsKnown(string place) =>
        All.Select(key => key.Name).Concat(RunFile.SubjectKeys).Any(key => place == key || place.StartsWith(key + ".", StringComparison.Ordinal));

    /// <summary>Whether the key takes a reply format, which is most often a file of its own.</summary>
    public static bool IsReplyFormat(FieldDescriptor field) => field.FieldType == FieldType.Message && field.MessageType == ReplyFormat.Descriptor;

    private static IEnumerable<RunFileKey> Of(MessageDescriptor type, string prefix)
    {
        foreach (FieldDescriptor field in type.Fields.InFieldNumberOrder())
        {
            string name = prefix + field.JsonName;
            (string standard, string description) = Texts.GetValueOrDefault(name, ("", ""));
            RunFileKey key = new(name, field, standard, description);
            yield return key;
            if (!key.IsSection) continue;
            foreach (RunFileKey child in Of(field.MessageType, name + ".")) yield return child;
        }
    }
}
