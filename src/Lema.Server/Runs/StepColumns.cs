using Lema.Protocol.V1;

namespace Lema.Server.Runs;

/// <param name="Seconds">Of training up to this step, itself included.</param>
/// <param name="Tokens">Likewise.</param>
internal readonly record struct StepOnCurve(StepPoint Point, double Seconds, long Tokens);

/// <summary>
/// The steps of a run in order, a point a step. After a resume some steps are done again: the later ones replace the earlier. Not safe to share between threads;
/// its session guards it.
/// </summary>
internal sealed class StepColumns
{
    private readonly List<StepOnCurve> _points = [];

    public int Count => _points.Count;

    public void Add(StepPoint point)
    {
        while (_points.Count > 0 && _points[^1].Point.Step >= point.Step) _points.RemoveAt(_points.Count - 1);
        StepOnCurve last = _points.Count > 0 ? _points[^1] : default;
        _points.Add(new StepOnCurve(point, last.Seconds + point.Seconds, last.Tokens + point.Tokens));
    }

    /// <summary>The points with fromStep &lt;= step &lt;= toStep; toStep 0: to the end.</summary>
    public IReadOnlyList<StepOnCurve> Between(long fromStep, long toStep)
    {
        int first = LowerBound(fromStep);
        int end = toStep <= 0 ? _points.Count : LowerBound(toStep + 1);
        return first >= end ? [] : _points.GetRange(first, end - first);
    }

    private int LowerBound(long step)
    {
        int low = 0, high = _points.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_points[middle].Point.Step < step) low = middle + 1;
            else high = middle;
        }
        return low;
    }
}
