using Lema.Engine.Datasets.Templates.Evaluation;
using Lema.Engine.Datasets.Templates.Values;

namespace Lema.Engine.Datasets.Templates.Library;

/// <summary>The functions that a chat template can call.</summary>
internal static class Globals
{
    private const long LongestRange = 100_000;

    /// <param name="now">What strftime_now reads.</param>
    public static Scope Create(DateTimeOffset now, Budget budget)
    {
        Scope globals = new(null);
        Add("raise_exception", arguments => throw new TemplateError(TemplateErrorKind.Raised, PythonText.Str(arguments.Need(0, "message"), budget)));
        Add("strftime_now", arguments => TimeText.Format(now, arguments.NeedText(0, "format"), budget));
        Add("namespace", Namespace);
        Add("dict", Dict);
        Add("range", arguments => Range(arguments, budget));
        Add("joiner", Joiner);
        Add("cycler", Cycler);
        return globals;

        void Add(string name, Func<CallArguments, object?> call) => globals[name] = new FunctionValue(name, call);
    }

    private static NamespaceValue Namespace(CallArguments arguments)
    {
        NamespaceValue space = new();
        foreach ((object? key, object? value) in Dict(arguments)) space[key as string ?? throw TemplateError.Type("attributes of a namespace are strings")] = value;
        return space;
    }

    private static DictValue Dict(CallArguments arguments)
    {
        DictValue dict = [];
        switch (arguments.Get(0, ""))
        {
            case null: break;
            case DictValue given:
                foreach ((object? key, object? value) in given) dict[key] = value;
                break;
            case { } pairs:
                foreach (object? pair in Iterating.Items(pairs))
                {
                    if (Iterating.Sequence(pair) is not { Count: 2 } both) throw TemplateError.Type("dictionary update sequence needs pairs");
                    dict[both[0]] = both[1];
                }
                break;
        }
        foreach ((string name, object? value) in arguments.Named) dict[name] = value;
        return dict;
    }

    private static RangeValue Range(CallArguments arguments, Budget budget)
    {
        long[] bounds = [.. arguments.Positional.Select(Bound)];
        if (bounds.Length is 0 or > 3) throw TemplateError.Type($"range expected 1 to 3 arguments, got {bounds.Length}");
        long start = bounds.Length == 1 ? 0 : bounds[0], stop = bounds.Length == 1 ? bounds[0] : bounds[1], step = bounds.Length == 3 ? bounds[2] : 1;
        if (step == 0) throw TemplateError.Other("range() arg 3 must not be zero");
        decimal count = Math.Max(Math.Ceiling(((decimal)stop - start) / step), 0);
        if (count > LongestRange) throw TemplateError.Other($"Range too big. The sandbox blocks ranges larger than MAX_RANGE ({LongestRange}).");
        budget.ChargeItems((long)count);
        return new RangeValue(start, stop, step, [.. Enumerable.Range(0, (int)count).Select(index => (object?)(start + index * step))]);
    }

    private static long Bound(object? value)
    {
        if (value is Undefined missing) throw missing.Error;
        System.Numerics.BigInteger bound = Number.ToBig(value);
        return bound >= long.MinValue && bound <= long.MaxValue ? (long)bound : throw TemplateError.Other($"Range too big. The sandbox blocks ranges larger than MAX_RANGE ({LongestRange}).");
    }

    private static ObjectValue Joiner(CallArguments arguments)
    {
        object? separator = arguments.Get(0, "sep", ", ");
        bool used = false;
        return new ObjectValue("Joiner", name => new Undefined($"'Joiner' has no attribute '{name}'"), _ =>
        {
            bool first = !used;
            used = true;
            return first ? "" : separator;
        });
    }

    private static ObjectValue Cycler(CallArguments arguments)
    {
        IReadOnlyList<object?> items = arguments.Positional.Count > 0 ? arguments.Positional : throw TemplateError.Type("at least one item has to be provided");
        int place = 0;
        return new ObjectValue("Cycler", name => name switch
        {
            "current" => items[place],
            "next" => new FunctionValue("next", _ =>
            {
                object? item = items[place];
                place = (place + 1) % items.Count;
                return item;
            }),
            "reset" => new FunctionValue("reset", _ =>
            {
                place = 0;
                return null;
            }),
            _ => new Undefined($"'Cycler' has no attribute '{name}'"),
        });
    }
}
