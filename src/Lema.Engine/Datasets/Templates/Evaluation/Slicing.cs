using Lema.Engine.Datasets.Templates.Values;

namespace Lema.Engine.Datasets.Templates.Evaluation;

/// <summary>Python's slices.</summary>
internal static class Slicing
{
    public static object? Apply(object? target, int? start, int? stop, int? step, Budget budget)
    {
        if (target is Undefined missing) throw missing.Error;
        if (target is string plain && step is (null or 1) && !plain.Any(char.IsSurrogate)) return PlainText(plain, start, stop, budget);
        IReadOnlyList<object?> items = Iterating.Sequence(target) ?? throw TemplateError.Type($"'{PythonText.TypeName(target)}' object is not subscriptable");
        int stride = step ?? 1;
        if (stride == 0) throw TemplateError.Other("slice step cannot be zero");
        int from = Bound(start, items.Count, stride > 0 ? 0 : items.Count - 1, stride), to = Bound(stop, items.Count, stride > 0 ? items.Count : -1, stride);
        List<object?> taken = [];
        for (long index = from; stride > 0 ? index < to : index > to; index += stride) taken.Add(items[(int)index]);
        budget.ChargeItems(taken.Count);
        return target switch
        {
            string => string.Concat(taken),
            TupleValue => new TupleValue(taken),
            _ => taken,
        };
    }

    private static string PlainText(string text, int? start, int? stop, Budget budget)
    {
        int from = Bound(start, text.Length, 0, 1), to = Bound(stop, text.Length, text.Length, 1);
        budget.Charge(Math.Max(to - from, 0));
        return to <= from ? "" : text[from..to];
    }

    private static int Bound(int? bound, int count, int otherwise, int stride)
    {
        if (bound is not { } place) return otherwise;
        if (place < 0) place = Math.Max(place + count, stride > 0 ? 0 : -1);
        return Math.Min(place, stride > 0 ? count : count - 1);
    }
}
