using Lema.Engine.Models;
using static TorchSharp.torch;

namespace Lema.Engine.Training;

/// <summary>AdamW (Loshchilov and Hutter 2019) as torch computes it, with float32 moments.</summary>
public sealed class AdamW : IDisposable
{
    private readonly RunSettings _settings;
    private readonly IReadOnlyList<TrainedParameter> _parameters;
    private readonly Tensor[] _means, _variances;

    public AdamW(IReadOnlyList<TrainedParameter> parameters, RunSettings settings)
    {
        (_parameters, _settings) = (parameters, settings);
        _means = [.. parameters.Select(Moments)];
        _variances = [.. parameters.Select(Moments)];
    }

    /// <summary>Updates made so far.</summary>
    public int Steps { get; set; }

    /// <summary>Moments by key, for checkpoints: <c>mean.{parameter}</c> and <c>variance.{parameter}</c>.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> State =>
        _parameters.SelectMany((p, i) => new[] { KeyValuePair.Create("mean." + p.Name, _means[i]), KeyValuePair.Create("variance." + p.Name, _variances[i]) });

    /// <summary>Total norm of all gradients; scales them down to the limit where it is larger (torch's clip_grad_norm_).</summary>
    /// <param name="limit">0: no limit.</param>
    /// <param name="lossScale">What the gradients are still multiplied by; they are divided by it here.</param>
    public double ClipGradients(double limit, double lossScale = 1)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        if (_parameters.Count == 0) return 0;
        if (lossScale != 1)
            foreach (TrainedParameter parameter in _parameters) parameter.Gradient.mul_(1 / lossScale);
        double norm = stack(_parameters.Select(Norm)).norm().item<float>();
        if (limit > 0 && norm > limit - 1e-6)
            foreach (TrainedParameter parameter in _parameters) parameter.Gradient.mul_(Math.Min(1, limit / (norm + 1e-6)));
        return norm;
    }

    /// <summary>Updates every parameter.</summary>
    public void Step(double learningRate)
    {
        using var noGrad = no_grad();
        Steps++;
        for (int i = 0; i < _parameters.Count; i++) Update(i, learningRate);
    }

    /// <summary>Updates the parameters of one layer, as a part of the step that <see cref="Steps"/> counts already, and returns the norm of each one's gradient.</summary>
    public IReadOnlyList<double> StepLayer(int layer, double learningRate)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        List<double> norms = [];
        for (int i = 0; i < _parameters.Count; i++)
        {
            if (_parameters[i].Layer != layer) continue;
            norms.Add(_parameters[i].Gradient.norm().item<float>());
            Update(i, learningRate);
        }
        return norms;
    }

    private void Update(int index, double learningRate)
    {
        using var scope = NewDisposeScope();
        double meanCorrection = 1 - Math.Pow(_settings.AdamBeta1, Steps), varianceCorrection = 1 - Math.Pow(_settings.AdamBeta2, Steps);
        (TrainedParameter parameter, Tensor mean, Tensor variance) = (_parameters[index], _means[index], _variances[index]);
        (Tensor value, Tensor gradient) = (parameter.Value, parameter.Gradient);
        if (_settings.WeightDecay != 0) value.mul_(1 - learningRate * _settings.WeightDecay);
        mean.lerp_(gradient, 1 - _settings.AdamBeta1);
        variance.mul_(_settings.AdamBeta2).addcmul_(gradient, gradient, 1 - _settings.AdamBeta2);
        Tensor denominator = variance.sqrt().div_(Math.Sqrt(varianceCorrection)).add_(_settings.AdamEpsilon);
        value.addcdiv_(mean, denominator, -learningRate / meanCorrection);
        parameter.Release();
        parameter.Storage.Release(mean);
        parameter.Storage.Release(variance);
    }

    private static Tensor Moments(TrainedParameter parameter) => parameter.Storage.Zeros(parameter.Value.shape);

    private static Tensor Norm(TrainedParameter parameter)
    {
        Tensor norm = parameter.Gradient.norm();
        parameter.Release();
        return norm;
    }

    public void Dispose()
    {
        foreach (Tensor tensor in _means.Concat(_variances)) tensor.Dispose();
    }
}
