using System.Runtime.InteropServices;

namespace Lema.Web.ViewModels;

/// <summary>
/// A growing curve of bounded size, in order of steps. Written by one watch and read by any number of pages, which remember how far they have read.
/// When it is full, every second point goes and the generation changes, so that readers begin anew.
/// </summary>
/// <param name="capacity">Points kept at the most.</param>
public sealed class Curve(int capacity = Curve.DefaultCapacity)
{
    public const int DefaultCapacity = 8_000;

    private readonly Lock _gate = new();
    private readonly List<CurvePoint> _points = [];
    private int _generation;

    public int Count
    {
        get { lock (_gate) return _points.Count; }
    }

    public CurvePoint? Last
    {
        get { lock (_gate) return _points.Count > 0 ? _points[^1] : null; }
    }

    /// <summary>Adds a point; one whose step is not past the last is already known and changes nothing.</summary>
    public void Append(in CurvePoint point)
    {
        lock (_gate)
        {
            if (_points.Count > 0 && point.Step <= _points[^1].Step) return;
            if (_points.Count == capacity) Thin();
            _points.Add(point);
        }
    }

    /// <summary>Takes back points past a step: a run that resumed from a checkpoint goes that way again.</summary>
    public void CutAfter(long step)
    {
        lock (_gate)
        {
            int keep = _points.Count;
            while (keep > 0 && _points[keep - 1].Step > step) keep--;
            if (keep == _points.Count) return;
            CollectionsMarshal.SetCount(_points, keep);
            _generation++;
        }
    }

    public void Replace(IEnumerable<CurvePoint> points)
    {
        lock (_gate)
        {
            _points.Clear();
            _points.AddRange(points);
            _generation++;
        }
    }

    /// <summary>What is new for a reader at <paramref name="position"/>; everything where that is of an older generation.</summary>
    public CurveSlice ReadFrom(CurvePosition position)
    {
        lock (_gate)
        {
            bool anew = position.Generation != _generation;
            int first = anew ? 0 : Math.Min(position.Count, _points.Count);
            return new([.. CollectionsMarshal.AsSpan(_points)[first..]], anew, new(_generation, _points.Count));
        }
    }

    private void Thin()
    {
        int kept = 0;
        for (int i = 0; i < _points.Count; i += 2) _points[kept++] = _points[i];
        CollectionsMarshal.SetCount(_points, kept);
        _generation++;
    }
}

/// <summary>How far a reader has come; the default has read nothing.</summary>
public readonly record struct CurvePosition(int Generation, int Count)
{
    public static readonly CurvePosition Start = new(-1, 0);
}

/// <summary>Points that a reader has not seen.</summary>
/// <param name="Points">In order of steps.</param>
/// <param name="Anew">Whether the reader has to forget what it had.</param>
/// <param name="Position">Where to read on.</param>
public sealed record CurveSlice(CurvePoint[] Points, bool Anew, CurvePosition Position);
