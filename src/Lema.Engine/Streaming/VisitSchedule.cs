namespace Lema.Engine.Streaming;

/// <summary>The announced visits and how far they have been made.</summary>
internal sealed class VisitSchedule
{
    /// <summary>Position of a visit that does not come.</summary>
    public const int Never = int.MaxValue;

    private readonly int[] _visits;
    private readonly Dictionary<int, List<int>> _positions = [];

    public VisitSchedule(IEnumerable<int> visits)
    {
        _visits = [.. visits];
        for (int position = 0; position < _visits.Length; position++)
        {
            if (!_positions.TryGetValue(_visits[position], out List<int>? positions)) _positions.Add(_visits[position], positions = []);
            positions.Add(position);
        }
    }

    /// <summary>Position of the next visit.</summary>
    public int Cursor { get; private set; }

    public int Count => _visits.Length;

    /// <summary>The visits that were announced and not made.</summary>
    public ReadOnlySpan<int> Remaining => _visits.AsSpan(Cursor);

    public int this[int position] => _visits[position];

    /// <summary>A visit was made. One that is not the announced next leaves the rest of the announcement standing.</summary>
    public void Made(int unit)
    {
        if (Cursor < _visits.Length && _visits[Cursor] == unit) Cursor++;
    }

    /// <summary>Position of a unit's next visit from the cursor on, or <see cref="Never"/>.</summary>
    public int NextUse(int unit)
    {
        if (!_positions.TryGetValue(unit, out List<int>? positions)) return Never;
        int index = positions.BinarySearch(Cursor);
        if (index < 0) index = ~index;
        return index < positions.Count ? positions[index] : Never;
    }
}
