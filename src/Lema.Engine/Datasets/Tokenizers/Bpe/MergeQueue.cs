namespace Lema.Engine.Datasets.Tokenizers.Bpe;

/// <summary>A min-heap of possible merges, ordered by rank and then by position: (rank, position) in one 64-bit number.</summary>
internal sealed class MergeQueue
{
    private const int Children = 4;
    private ulong[] _items = new ulong[64];

    public int Count { get; private set; }

    public int Capacity => _items.Length;

    public void Clear() => Count = 0;

    /// <summary>Adds without keeping order; <see cref="Order"/> must follow before the first <see cref="Pop"/>.</summary>
    public void Append(int rank, int position)
    {
        if (Count == _items.Length) Array.Resize(ref _items, Count * 2);
        _items[Count++] = ((ulong)(uint)rank << 32) | (uint)position;
    }

    public void Order()
    {
        for (int index = (Count - 2) / Children; index >= 0; index--) SiftDown(index);
    }

    public void Push(int rank, int position)
    {
        Append(rank, position);
        int index = Count - 1;
        ulong item = _items[index];
        while (index > 0)
        {
            int parent = (index - 1) / Children;
            if (_items[parent] <= item) break;
            _items[index] = _items[parent];
            index = parent;
        }
        _items[index] = item;
    }

    public (int Rank, int Position) Pop()
    {
        ulong first = _items[0];
        _items[0] = _items[--Count];
        if (Count > 1) SiftDown(0);
        return ((int)(first >> 32), (int)(uint)first);
    }

    private void SiftDown(int index)
    {
        ulong item = _items[index];
        while (true)
        {
            int child = index * Children + 1;
            if (child >= Count) break;
            int end = Math.Min(child + Children, Count), least = child;
            for (int other = child + 1; other < end; other++)
            {
                if (_items[other] < _items[least]) least = other;
            }
            if (_items[least] >= item) break;
            _items[index] = _items[least];
            index = least;
        }
        _items[index] = item;
    }
}
