using Lema.Engine.Errors;
using Lema.Engine.Evaluation;
using Lema.Engine.Models;
using Lema.Engine.Models.Autodiff;
using Lema.Engine.Numerics;
using static TorchSharp.torch;

namespace Lema.Engine.Tests.Evaluation;

public sealed class PerplexityTests : IDisposable
{
    private readonly LanguageModel _model = TinyModel.Open(TinyModel.Folder);

    public void Dispose() => _model.Dispose();

    [Theory]
    [InlineData(50, 64)]
    [InlineData(200, 64)]
    [InlineData(65, 64)]
    [InlineData(64, 64)]
    [InlineData(33, 2)]
    public void Measure_OfText_IsTheMeanOverTokensEachSeenInItsFirstWindow(int tokens, int window)
    {
        Xoshiro256 random = new(9);
        int[] ids = [.. Enumerable.Range(0, tokens).Select(_ => random.NextInt(3072))];
        PerplexityResult result = new Perplexity(_model, window, windowsAtOnce: 3).Measure(ids);

        double sum = 0;
        for (int target = 1; target < tokens; target++)
        {
            int start = 0;
            while (start + window <= target) start += window / 2;
            sum += Loss(ids[start..(target + 1)]);
        }
        Assert.Equal(tokens - 1, result.Tokens);
        Assert.Equal(sum / (tokens - 1), result.MeanLoss, 4);
        Assert.Equal(Math.Exp(result.MeanLoss), result.Value, 6);
    }

    [Fact]
    public void Measure_OfKnownStatement_IsFarBelowThatOfItsScramble()
    {
        int[] ids = TinyModel.Tokenizer.Encode("The capital of France is Paris. The chemical symbol of iridium is Ir.", addSpecialTokens: true);
        int[] scrambled = [.. ids];
        new Xoshiro256(1).Shuffle<int>(scrambled);
        Perplexity perplexity = new(_model);
        Assert.True(perplexity.Measure(ids).Value * 10 < perplexity.Measure(scrambled).Value);
    }

    [Fact]
    public void Measure_OfOneToken_Throws() => Assert.Throws<InvalidInputException>(() => new Perplexity(_model).Measure([1]));

    /// <summary>-log p of the last token given those before it, from a pass of its own over exactly these tokens.</summary>
    private double Loss(int[] ids)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using TokenBatch batch = new([.. ids[..^1].Select(id => (long)id)], [ids.Length - 1]);
        Tensor hidden = _model.Embed(batch).Value;
        for (int block = 0; block < _model.Architecture.BlockCount; block++)
            _model.Visit(block, weights => hidden = _model.Architecture.Block(new LayerPass(block, weights, batch, _model.Shared), block, new Variable(hidden)).Value);
        _model.VisitFinalNorm(weights => hidden = _model.Architecture.FinalNorm(new LayerPass(_model.Architecture.BlockCount, weights, batch, _model.Shared), new Variable(hidden)).Value);
        return -new OutputHead(_model).AllLogits(hidden.narrow(0, ids.Length - 2, 1)).log_softmax(1)[0, ids[^1]].item<float>();
    }
}
