using System.Runtime.InteropServices;
using Lema.Web.ViewModels;

namespace Lema.Web.Components.Charts;

/// <summary>New points of a chart's lines, packed as doubles (x, y) so that thousands of points cross the circuit as bytes, not as JSON.</summary>
public sealed class ChartPacket
{
    private readonly List<Part> _parts = [];
    private readonly List<double> _values = [];

    public bool IsEmpty => _parts.Count == 0;

    public IReadOnlyList<Part> Parts => _parts;

    public void Add(string id, CurveSlice slice, XAxis axis)
    {
        if (slice.Points.Length == 0 && !slice.Anew) return;
        _parts.Add(new(id, slice.Anew, slice.Points.Length));
        foreach (CurvePoint point in slice.Points)
        {
            _values.Add(axis.Of(point));
            _values.Add(point.Value);
        }
    }

    public byte[] ToBytes() => MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(_values)).ToArray();

    /// <summary>Points of one line, in the order of the parts.</summary>
    public sealed record Part(string Id, bool Reset, int Count);
}
