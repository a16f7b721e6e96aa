using System.Collections.Immutable;

namespace Lema.Engine.Adapters;

/// <summary>LoRA options with the names and meanings of PEFT's LoraConfig.</summary>
public sealed record LoraSettings
{
    public int R { get; init; } = 16;

    public double Alpha { get; init; } = 32;

    public double Dropout { get; init; }

    /// <summary>
    /// Module names or suffixes of them; the single entry <c>all-linear</c> stands for every linear layer but the output head. Empty when
    /// <see cref="TargetModulesRegex"/> is set.
    /// </summary>
    public ImmutableArray<string> TargetModules { get; init; } = ["all-linear"];

    /// <summary>A regular expression that has to match the whole module name.</summary>
    public string? TargetModulesRegex { get; init; }

    /// <summary>Fused expert parameters, such as <c>mlp.experts.gate_up_proj</c>.</summary>
    public ImmutableArray<string> TargetParameters { get; init; } = [];

    public ImmutableArray<int> LayersToTransform { get; init; } = [];

    /// <summary>In file order: the first key that matches a module name decides.</summary>
    public ImmutableArray<KeyValuePair<string, int>> RankPattern { get; init; } = [];

    public ImmutableArray<KeyValuePair<string, double>> AlphaPattern { get; init; } = [];

    public ImmutableArray<string> ModulesToSave { get; init; } = [];

    public bool UseRslora { get; init; }

    public bool UseDora { get; init; }
}
