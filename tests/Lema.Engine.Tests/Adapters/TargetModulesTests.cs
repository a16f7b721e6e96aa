using Lema.Engine.Adapters;
using Lema.Engine.Errors;
using Lema.Engine.Models;

namespace Lema.Engine.Tests.Adapters;

public sealed class TargetModulesTests
{
    private static readonly DecoderModel Model = ModelFamilies.Read(TinyModel.Folder);

    [Fact]
    public void Find_AllLinear_TakesEveryLinearLayerButTheHead() => Assert.Equal(7 * Model.BlockCount, TargetModules.Find(Model, new()).Count);

    [Fact]
    public void Find_ARegularExpression_HasToMatchTheWholeName()
    {
        LoraSettings settings = new() { TargetModules = [], TargetModulesRegex = @"model\.layers\.[01]\.self_attn\.(q|v)_proj" };
        Assert.Equal(4, TargetModules.Find(Model, settings).Count);
    }

    [Fact]
    public void Find_Patterns_FirstMatchingKeyDecides()
    {
        LoraSettings settings = new()
        {
            TargetModules = ["q_proj"], RankPattern = [KeyValuePair.Create("layers.1.self_attn.q_proj", 6), KeyValuePair.Create("q_proj", 2)],
        };
        Assert.Equal([2, 6, 2, 2], TargetModules.Find(Model, settings).Select(target => target.Rank));
    }

    [Theory]
    [InlineData("q_porj")]
    [InlineData("proj")]
    public void Find_AnUnknownModule_NamesItAndWhatThereIs(string target)
    {
        InvalidInputException refusal = Assert.Throws<InvalidInputException>(() => TargetModules.Find(Model, new() { TargetModules = [target] }));
        Assert.Contains(target, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("q_proj", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Find_WhatIsTrainedWhole_GetsNoAdapter()
    {
        LoraSettings settings = new() { TargetModules = ["q_proj", "v_proj"], ModulesToSave = ["v_proj"] };
        Assert.All(TargetModules.Find(Model, settings), target => Assert.EndsWith("q_proj", target.Name, StringComparison.Ordinal));
    }

    [Fact]
    public void Find_AModuleNamedWhole_IsMeantWhateverItsLayer()
    {
        LoraSettings settings = new() { TargetModules = ["q_proj", "model.layers.3.self_attn.v_proj"], LayersToTransform = [0] };
        Assert.Equal(["model.layers.0.self_attn.q_proj", "model.layers.3.self_attn.v_proj"], TargetModules.Find(Model, settings).Select(target => target.Name));
    }

    [Theory]
    [InlineData(".*", "lm_head")]
    [InlineData(".*(q_proj|embed_tokens)", "embed_tokens")]
    public void Find_AnExpressionThatMatchesMoreThanIsImplemented_IsRefusedByName(string expression, string named)
    {
        LoraSettings settings = new() { TargetModules = [], TargetModulesRegex = expression };
        Assert.Contains(named, Assert.Throws<InvalidInputException>(() => TargetModules.Find(Model, settings)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Find_LayersWithARegularExpression_IsRefused() =>
        Assert.Throws<InvalidInputException>(() => TargetModules.Find(Model, new() { TargetModules = [], TargetModulesRegex = ".*q_proj", LayersToTransform = [0] }));

    [Fact]
    public void Find_ABrokenRegularExpression_IsRefused() =>
        Assert.Throws<InvalidInputException>(() => TargetModules.Find(Model, new() { TargetModules = [], TargetModulesRegex = "(" }));
}
