using Lema.Engine.Adapters;
using Lema.Engine.Generation;
using Lema.Engine.Models;
using Lema.Engine.Models.Autodiff;
using Lema.Engine.Training;
using Lema.Engine.Weights;
using TorchSharp;

namespace Lema.Conformance.Golden;

/// <summary>Computes one case: base forward, adapted forward, every step of training, greedy tokens.</summary>
public sealed class GoldenRun(GoldenCase golden, Comparison comparison)
{
    private const int KeptLayers = 1;

    // Alignment of the tensors within a slot.
    private const long SlackBytes = 16 << 10;

    private long _budget;

    private bool _mustStream;

    public void Run()
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        using (LanguageModel baseModel = Open(null)) Forward(baseModel, "forward");
        using LanguageModel model = Open(golden.IsLora ? ModelOptions.FromFolder(Path.Combine(golden.Folder, "adapter")) : Masters);
        if (golden.IsLora) Forward(model, "adapted");
        Train(model);
        comparison.True("a model larger than its budget was not streamed", !_mustStream || model.Stream.Statistics.DiskBytes > _budget);
        Generate(model);
        if (!golden.IsLora) return;
        new GoldenArtifacts(golden, comparison).Run(model);
        new GoldenMerge(golden, comparison).Run(model.Architecture);
    }

    private LanguageModel Open(Func<DecoderModel, GlobalBinaryIndex, AdapterWeights>? adapters)
    {
        ModelUnits units = ModelUnits.Of(ModelFamilies.Read(golden.Folder), GlobalBinaryIndex.Open(golden.Folder));
        long largest = units.Units.Max(unit => unit.ByteCount), total = units.Units.Sum(unit => unit.ByteCount);
        _budget = 2 * largest + SlackBytes;
        LanguageModel model = LanguageModel.Open(golden.Folder, new() { Precision = Precision.Fp32, WeightBytes = _budget, Adapters = adapters });
        // A trained output matrix is not read from the base.
        long unread = model.Adapters.Head is null ? 0 : units.HeadTiles.Sum(tile => units.Units[tile].ByteCount);
        _mustStream = _budget < total - unread;
        return model;
    }

    private AdapterWeights Masters(DecoderModel model, GlobalBinaryIndex index)
    {
        IReadOnlySet<string> trainable = golden.Trainable;
        TransformersNames names = new(model);
        Dictionary<string, torch.Tensor> weights = SafetensorsFile.Load(Path.Combine(golden.Folder, "model.safetensors")).ToDictionary(pair => model.PublishedName(pair.Key), pair => pair.Value);
        return FullFineTuning.Create(model, parameter => trainable.Contains(names.Of(parameter)), parameter => weights[parameter.BaseName].to(torch.ScalarType.Float32).clone());
    }

    private void Forward(LanguageModel model, string prefix)
    {
        using var scope = torch.NewDisposeScope();
        using MicroBatch batch = golden.Batch(0, 0);
        void Hidden(int i, Variable x)
        {
            if (prefix == "forward") comparison.Tensor("forward.hidden", $"forward.hidden.{i}", x.Value, golden.Unpad(golden.Expected[$"forward.hidden.{i}"]));
        }
        Variable x = model.Embed(batch.Tokens);
        for (int block = 0; block < model.Architecture.BlockCount; block++)
        {
            Hidden(block, x);
            model.Visit(block, weights => x = model.Architecture.Block(new(block, weights, batch.Tokens, model.Shared), block, x));
        }
        Hidden(model.Architecture.BlockCount, x);
        model.VisitFinalNorm(weights => x = model.Architecture.FinalNorm(new(model.Architecture.BlockCount, weights, batch.Tokens, model.Shared), x));
        comparison.Tensor($"{prefix}.logits", $"{prefix}.logits", new OutputHead(model).AllLogits(x.Value), golden.Unpad(golden.Expected[$"{prefix}.logits"]));
        (double loss, _) = new ChunkedCrossEntropy(model, 16).Compute([x.Value.index_select(0, batch.LossPositions)], [batch.Targets], null);
        comparison.Tensor("loss", $"{prefix}.loss", torch.tensor(loss / batch.TargetCount));
    }

    private void Train(LanguageModel model)
    {
        List<double> losses = [], norms = [], rates = [];
        using AdamW optimizer = new(model.Adapters.Parameters, golden.Settings);
        for (int step = 0; step < golden.Steps; step++)
        {
            using var scope = torch.NewDisposeScope();
            using HostBoundaryStore boundaries = new(model.Ledger);
            GradientPass pass = new(model, boundaries, KeptLayers, chunkTokens: 24) { OnInputGradient = step == 0 ? InputGradient : null };
            MicroBatch[] batches = [.. Enumerable.Range(0, golden.MicroBatches).Select(micro => golden.Batch(step, micro))];
            losses.Add(pass.Run(batches));
            foreach (MicroBatch batch in batches) batch.Dispose();
            if (step == 0) Compare("grad", model, parameter => parameter.Gradient);
            norms.Add(optimizer.ClipGradients(golden.Settings.ClipGradNorm));
            rates.Add(LearningRate.At(golden.Settings, step, golden.Steps));
            optimizer.Step(rates[^1]);
            model.Adapters.ZeroGradients();
        }
        comparison.Values("step.loss", "step.loss", losses);
        comparison.Values("step.grad_norm", "step.grad_norm", norms);
        comparison.Values("step.lr", "step.lr", rates);
        if (!golden.IsLora) Compare("final", model, parameter => parameter.Value);
    }

    private void Compare(string group, LanguageModel model, Func<TrainedParameter, torch.Tensor> part)
    {
        Dictionary<string, torch.Tensor> trained = model.Adapters.Parameters.ToDictionary(parameter => parameter.Name, part);
        TransformersNames names = new(model.Architecture);
        foreach (string name in golden.IsLora ? [.. trained.Keys] : (IEnumerable<string>)golden.Trainable)
            comparison.Tensor(group, $"{group}.{name}", golden.IsLora ? trained[name] : names.Find(trained, name));
    }

    private void InputGradient(int block, int micro, torch.Tensor gradient)
    {
        if (micro == 0)
            comparison.Tensor("grad.input_hidden", $"grad.input_hidden.{block}", gradient, golden.Unpad(golden.Expected[$"grad.input_hidden.{block}"]));
    }

    private void Generate(LanguageModel model)
    {
        long[] prompt = golden.Expected["generate.prompt"].data<long>().ToArray(), expected = golden.Expected["generate.tokens"].data<long>().ToArray();
        GenerationRequest request = new() { Prompt = [.. prompt.Select(token => (int)token)], MaxNewTokens = expected.Length };
        GeneratedReply reply = new Generator(model).Generate([request])[0];
        comparison.Equal<long>("generate.tokens", [.. reply.Tokens.Select(token => (long)token)], expected);
    }
}
