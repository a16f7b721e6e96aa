using System.Globalization;
using Lema.Conformance.Golden;
using Lema.Engine.Models;
using Lema.Engine.Training;
using TorchSharp;

namespace Lema.Conformance;

/// <summary>
/// How far logits and gradients of each precision are from float64: the distance from the reference's float32 plus that of the float32 from its float64, which case.json states. Prints
/// figures and judges none.
/// </summary>
public sealed class AccuracySuite : ISuite
{
    public string Name => "accuracy";

    public IEnumerable<CaseResult> Run(string folder)
    {
        foreach (string caseFolder in Directory.GetDirectories(folder).Where(IsAdapter).Order(StringComparer.Ordinal))
        {
            string figures = string.Join("; ", Enum.GetValues<Precision>().Select(precision => Measure(caseFolder, precision)));
            yield return new(Path.GetFileName(caseFolder), true, figures);
        }
    }

    private static bool IsAdapter(string folder) => Directory.Exists(Path.Combine(folder, "adapter")) && !File.Exists(Path.Combine(folder, "quantised.safetensors"));

    private static string Measure(string folder, Precision precision)
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        using GoldenCase golden = new(folder);
        using LanguageModel model = LanguageModel.Open(folder, new() { Precision = precision, Adapters = ModelOptions.FromFolder(Path.Combine(folder, "adapter")) });
        using HostBoundaryStore boundaries = new(model.Ledger);
        MicroBatch[] batches = [.. Enumerable.Range(0, golden.MicroBatches).Select(micro => golden.Batch(0, micro))];
        double scale = new LossScaler(precision).Scale;
        new GradientPass(model, boundaries) { LossScale = scale }.Run(batches);
        double gradient = model.Adapters.Parameters.Max(parameter => Error(parameter.Gradient.div(scale), golden.Expected["grad." + parameter.Name]));

        torch.Tensor hidden = model.Normalize(batches[0].Tokens, model.Forward(batches[0].Tokens)).Value;
        double logits = Error(new OutputHead(model).AllLogits(hidden), golden.Unpad(golden.Expected["adapted.logits"]));
        foreach (MicroBatch batch in batches) batch.Dispose();
        return string.Create(CultureInfo.InvariantCulture, $"{precision} logits {logits + golden.Error("adapted.logits"):e1} gradients {gradient + golden.Error("grad"):e1}");
    }

    private static double Error(torch.Tensor ours, torch.Tensor reference)
    {
        using var scope = torch.NewDisposeScope();
        torch.Tensor wide = reference.to(torch.ScalarType.Float64);
        return ours.to(torch.ScalarType.Float64).sub(wide).norm().item<double>() / wide.norm().item<double>();
    }
}
