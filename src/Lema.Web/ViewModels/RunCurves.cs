using Lema.Protocol.V1;

namespace Lema.Web.ViewModels;

/// <summary>The curves of one run, fed by its snapshot and events.</summary>
public sealed class RunCurves
{
    private readonly Dictionary<string, Curve> _curves = SeriesNames.All.ToDictionary(name => name, _ => new Curve());
    private long _lastStep;
    private double _seconds;
    private long _tokens;

    public Curve this[string name] => _curves[name];

    /// <summary>Takes over a snapshot's or an answer's columns; curves it does not name are emptied.</summary>
    public void Replace(IEnumerable<Series> series)
    {
        Dictionary<string, Series> byName = series.ToDictionary(one => one.Name);
        foreach ((string name, Curve curve) in _curves) curve.Replace(byName.TryGetValue(name, out Series? one) ? PointsOf(one) : []);
        CurvePoint last = _curves[SeriesNames.Loss].Last ?? default;
        (_lastStep, _seconds, _tokens) = (last.Step, last.Seconds, last.Tokens);
    }

    public void Append(StepPoint step)
    {
        if (step.Step <= _lastStep) GoBackTo(step.Step - 1);
        _lastStep = step.Step;
        _seconds += step.Seconds;
        _tokens += step.Tokens;
        Append(SeriesNames.Loss, step.Loss);
        Append(SeriesNames.LearningRate, step.LearningRate);
        Append(SeriesNames.GradNorm, step.GradNorm);
        Append(SeriesNames.TokensPerSecond, step.Seconds > 0 ? step.Tokens / step.Seconds : 0);
        Append(SeriesNames.StepSeconds, step.Seconds);
        Append(SeriesNames.StallSeconds, step.StallSeconds);
        Append(SeriesNames.DiskBytes, step.DiskBytes);
        Append(SeriesNames.PeakRssBytes, step.PeakRssBytes);
    }

    public void Append(EvaluationPoint evaluation)
    {
        CurvePoint At(double value) => new(evaluation.Step, value, _seconds, _tokens);
        _curves[SeriesNames.EvaluationLoss].Append(At(evaluation.Loss));
        if (evaluation.Questions <= 0) return;
        _curves[SeriesNames.ValidFormatShare].Append(At((double)evaluation.ValidFormat / evaluation.Questions));
        _curves[SeriesNames.RightAnswerShare].Append(At((double)evaluation.RightAnswer / evaluation.Questions));
    }

    private void Append(string name, double value) => _curves[name].Append(new(_lastStep, value, _seconds, _tokens));

    /// <summary>A run that went on from a checkpoint does some steps again: what came after the checkpoint is no longer part of it.</summary>
    private void GoBackTo(long step)
    {
        foreach (Curve curve in _curves.Values) curve.CutAfter(step);
        CurvePoint last = _curves[SeriesNames.Loss].Last ?? default;
        (_lastStep, _seconds, _tokens) = (step, last.Seconds, last.Tokens);
    }

    private static IEnumerable<CurvePoint> PointsOf(Series series)
    {
        for (int i = 0; i < series.Steps.Count; i++)
        {
            yield return new(series.Steps[i], series.Values[i], series.Seconds.Count > i ? series.Seconds[i] : 0, series.Tokens.Count > i ? series.Tokens[i] : 0);
        }
    }
}
