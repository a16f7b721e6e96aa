using Lema.Protocol.V1;

namespace Lema.Server.Artifacts;

/// <summary>Which bytes of a file have arrived: ranges in order that neither touch nor overlap. Not safe to share between threads.</summary>
internal sealed class ReceivedRanges
{
    private readonly SortedList<long, long> _ends = [];

    public ReceivedRanges()
    {
    }

    public ReceivedRanges(IEnumerable<ByteRange> ranges)
    {
        foreach (ByteRange range in ranges) Add(range.Offset, range.Length);
    }

    public long Bytes => _ends.Sum(range => range.Value - range.Key);

    public IEnumerable<ByteRange> Ranges => _ends.Select(range => new ByteRange { Offset = range.Key, Length = range.Value - range.Key });

    public void Add(long offset, long length)
    {
        if (length <= 0) return;
        long first = offset, end = offset + length;
        KeyValuePair<long, long>[] touched = [.. _ends.Where(range => range.Key <= end && range.Value >= first)];
        foreach ((long otherFirst, long otherEnd) in touched)
        {
            first = Math.Min(first, otherFirst);
            end = Math.Max(end, otherEnd);
            _ends.Remove(otherFirst);
        }
        _ends[first] = end;
    }
}
