using System.Globalization;
using System.Text.RegularExpressions;
using Lema.Engine.Errors;
using Lema.Engine.Models;

namespace Lema.Engine.Adapters;

/// <summary>One linear module that gets an adapter.</summary>
/// <param name="Name">Published name of the module, such as <c>model.layers.0.self_attn.q_proj</c>.</param>
public sealed record TargetModule(int Block, string Name, LinearSpec Linear, int Rank, double Alpha);

/// <summary>Finds the modules that LoRA options mean, by PEFT's rules.</summary>
public static class TargetModules
{
    private static readonly TimeSpan MatchLimit = TimeSpan.FromSeconds(1);

    /// <exception cref="InvalidInputException">A target names no module of the model, a pattern is not valid, or nothing is left to train.</exception>
    public static IReadOnlyList<TargetModule> Find(DecoderModel model, LoraSettings settings)
    {
        if (settings.R < 1) throw Invalid("lora.r", $"is {settings.R}; a rank is at least 1.");
        if (settings.TargetModulesRegex is { } expression) RejectUnusable(model, settings, expression);
        (int Block, string Name, LinearSpec Linear)[] candidates = [.. Candidates(model, settings)];
        foreach (string target in settings.TargetModules)
        {
            if (target == "all-linear" || candidates.Any(c => IsNamed(ModuleName(model, c.Name), target))) continue;
            throw Invalid("lora.targetModules", $"'{target}' names no linear module of a {model.ModelType} model; it has {string.Join(", ", ShortNames(candidates))}.");
        }
        TargetModule[] found = [.. candidates.Where(c => IsTarget(settings, ModuleName(model, c.Name)) && !IsSaved(settings, ModuleName(model, c.Name)))
            .Select(c => new TargetModule(c.Block, c.Name, c.Linear, Rank(settings, ModuleName(model, c.Name)), Alpha(settings, ModuleName(model, c.Name))))];
        if (found.Length == 0 && settings.TargetParameters.IsEmpty)
            throw Invalid("lora.targetModules", $"no linear module of this {model.ModelType} model is chosen; it has {string.Join(", ", ShortNames(candidates))}.");
        return found;
    }

    /// <summary>The name that PEFT sees in transformers' module tree.</summary>
    public static string ModuleName(DecoderModel model, string published) =>
        published.StartsWith("lm_head", StringComparison.Ordinal) ? published : model.ModulePrefix + published;

    /// <summary>A module is meant by its whole name or by the end of it after a dot.</summary>
    public static bool IsNamed(string module, string target) => module == target || module.EndsWith("." + target, StringComparison.Ordinal);

    /// <summary>Last parts of the names of modules, each once.</summary>
    public static IEnumerable<string> ShortNames(IEnumerable<TargetModule> modules) =>
        modules.Select(module => module.Linear.Module.Split('.')[^1]).Distinct().Order(StringComparer.Ordinal);

    /// <summary>What <c>all-linear</c> stands for in an adapter's config: short names, or whole ones where short ones would mean other modules too.</summary>
    public static IEnumerable<string> Names(DecoderModel model, LoraSettings settings, IReadOnlyList<TargetModule> modules)
    {
        string[] brief = [.. ShortNames(modules)];
        bool isSame = Find(model, settings with { TargetModules = [.. brief] }).Select(module => module.Name).SequenceEqual(modules.Select(module => module.Name));
        return isSame ? brief : modules.Select(module => ModuleName(model, module.Name)).Order(StringComparer.Ordinal);
    }

    /// <summary>Rank of a module or fused parameter, by its whole name.</summary>
    public static int Rank(LoraSettings settings, string module)
    {
        foreach ((string key, int rank) in settings.RankPattern)
        {
            if (!Matches("lora.rankPattern", $@"^(.*\.)?({key})$", module)) continue;
            return rank >= 1 ? rank : throw Invalid("lora.rankPattern", $"'{key}' is {rank}; a rank is at least 1.");
        }
        return settings.R;
    }

    /// <summary>Alpha of a module or fused parameter, by its whole name.</summary>
    public static double Alpha(LoraSettings settings, string module)
    {
        foreach ((string key, double alpha) in settings.AlphaPattern)
            if (Matches("lora.alphaPattern", $@"^(.*\.)?({key})$", module)) return alpha;
        return settings.Alpha;
    }

    private static IEnumerable<(int Block, string Name, LinearSpec Linear)> Candidates(DecoderModel model, LoraSettings settings)
    {
        bool all = settings.TargetModules is ["all-linear"];
        for (int block = 0; block < model.BlockCount; block++)
        {
            BlockParts parts = model.Parts(block);
            string prefix = model.BlockPrefix(block);
            foreach (LinearSpec linear in parts.Linears) yield return (block, prefix + linear.Module, linear);
            // transformers 5 fuses experts into parameters, which are no linear layers to all-linear
            if (all || !parts.ExpertsAdaptable) continue;
            foreach (LinearSpec linear in parts.Experts.SelectMany(expert => expert)) yield return (block, prefix + linear.Module, linear);
        }
    }

    private static bool IsTarget(LoraSettings settings, string module)
    {
        if (settings.TargetModulesRegex is { } regex) return MatchesWhole(regex, module);
        // a module that is named whole is meant whatever its layer
        if (settings.TargetModules.Contains(module)) return true;
        return (settings.TargetModules is ["all-linear"] || settings.TargetModules.Any(target => IsNamed(module, target))) && IsChosenLayer(settings, module);
    }

    /// <summary>What is trained whole gets no adapter.</summary>
    private static bool IsSaved(LoraSettings settings, string module) =>
        settings.ModulesToSave.Any(saved => Matches("lora.modulesToSave", $@"^(.*\.)?{saved}($|\..*)", module));

    private static bool MatchesWhole(string regex, string module) => Matches("lora.targetModules", $"^(?:{regex})$", module);

    private static void RejectUnusable(DecoderModel model, LoraSettings settings, string regex)
    {
        if (!settings.LayersToTransform.IsEmpty) throw Invalid("lora.layersToTransform", "cannot be used together with a regular expression; name the layers in the expression.");
        string embedding = model.EmbeddingName[..model.EmbeddingName.LastIndexOf('.')];
        foreach (string module in (string[])["lm_head", ModuleName(model, embedding)])
        {
            if (MatchesWhole(regex, module))
                throw Invalid("lora.targetModules", $"the expression matches '{module}', on which low-rank adapters are not implemented; exclude it, or train it whole with lora.modulesToSave.");
        }
    }

    private static bool IsChosenLayer(LoraSettings settings, string module)
    {
        if (settings.LayersToTransform.IsEmpty) return true;
        Match number = Regex.Match(module, @"\.(\d+)\.");
        return number.Success && settings.LayersToTransform.Contains(int.Parse(number.Groups[1].ValueSpan, CultureInfo.InvariantCulture));
    }

    private static bool Matches(string setting, string pattern, string module)
    {
        try
        {
            return Regex.IsMatch(module, pattern, RegexOptions.CultureInvariant, MatchLimit);
        }
        catch (Exception e) when (e is ArgumentException or RegexMatchTimeoutException)
        {
            throw Invalid(setting, $"'{pattern}' is not a usable regular expression: {e.Message}");
        }
    }

    private static IEnumerable<string> ShortNames(IEnumerable<(int Block, string Name, LinearSpec Linear)> modules) =>
        modules.Select(module => module.Linear.Module.Split('.')[^1]).Distinct().Order(StringComparer.Ordinal);

    private static InvalidInputException Invalid(string setting, string problem) => new("run settings", setting, problem);
}
