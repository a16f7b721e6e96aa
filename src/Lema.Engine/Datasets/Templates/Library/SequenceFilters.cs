using Lema.Engine.Datasets.Templates.Evaluation;
using Lema.Engine.Datasets.Templates.Values;

namespace Lema.Engine.Datasets.Templates.Library;

/// <summary>Jinja's filters on sequences.</summary>
internal sealed class SequenceFilters(Filters filters, Budget budget)
{
    private readonly Attributes _attributes = new(budget);

    public object? Apply(string name, object? value, CallArguments arguments)
    {
        switch (name)
        {
            case "list": return Listed(Iterating.Items(value));
            case "first": return Iterating.Items(value).FirstOrDefault(new Undefined("No first item, sequence was empty."));
            case "last":
                if (value is GeneratorValue) throw TemplateError.Type("'generator' object is not reversible");
                return Iterating.Items(value).LastOrDefault(new Undefined("No last item, sequence was empty."));
            case "join": return Join(value, arguments);
            case "reverse": return value is string text ? string.Concat(PythonString.Characters(text).Reverse()) : new GeneratorValue(Listed(Iterating.Items(value).Reverse()));
            case "sort": return Sorted(value, arguments);
            case "unique": return new GeneratorValue(Unique(value, arguments));
            case "min" or "max": return Extreme(value, arguments, name == "max");
            case "sum": return Sum(value, arguments);
            case "map": return new GeneratorValue(Map(value, arguments));
            case "select" or "reject": return new GeneratorValue(Selected(value, arguments, item => item, name == "select", 0));
            case "selectattr" or "rejectattr":
                object? path = arguments.Need(0, "attribute");
                return new GeneratorValue(Selected(value, arguments, item => _attributes.Path(item, path), name == "selectattr", 1));
            case "items": return new GeneratorValue(Pairs(value));
            case "dictsort": return DictSorted(value, arguments);
            case "groupby": return Grouped(value, arguments);
            case "batch": return new GeneratorValue(Batches(value, arguments));
            case "slice": return new GeneratorValue(Slices(value, arguments));
            default: throw new TemplateError(TemplateErrorKind.Syntax, $"No filter named '{name}'.");
        }
    }

    private List<object?> Listed(IEnumerable<object?> items)
    {
        List<object?> list = [];
        foreach (object? item in items)
        {
            budget.Step();
            list.Add(item);
        }
        budget.ChargeItems(list.Count);
        return list;
    }

    private string Join(object? value, CallArguments arguments)
    {
        string separator = PythonText.Str(arguments.Get(0, "d", ""), budget);
        object? attribute = arguments.Get(1, "attribute");
        System.Text.StringBuilder text = new();
        bool first = true;
        foreach (object? item in Iterating.Items(value))
        {
            string part = PythonText.Str(attribute is null ? item : _attributes.Path(item, attribute), budget);
            budget.Charge(part.Length + separator.Length);
            if (!first) text.Append(separator);
            text.Append(part);
            first = false;
        }
        return text.ToString();
    }

    private List<object?> Sorted(object? value, CallArguments arguments)
    {
        bool reverse = Comparing.IsTrue(arguments.Get(0, "reverse", false)), caseSensitive = Comparing.IsTrue(arguments.Get(1, "case_sensitive", false));
        object? attribute = arguments.Get(2, "attribute");
        // Several attributes, with commas between, make a list of keys.
        object?[] names = attribute is string text ? text.Split(',') : [attribute];
        Func<object?, object?>[] keys = [.. names.Select(name => Key(name, caseSensitive))];
        Func<object?, object?> key = attribute is null ? keys[0] : item => new TupleValue([.. keys.Select(of => of(item))]);
        return Ordered(Listed(Iterating.Items(value)), key, reverse);
    }

    private static List<object?> Ordered(List<object?> items, Func<object?, object?> key, bool reverse)
    {
        Comparer<object?> order = Comparer<object?>.Create((a, b) => Comparing.Order(a, b, "<"));
        try
        {
            // A reversed sort keeps equal items in their order too.
            return [.. reverse ? items.OrderByDescending(key, order) : items.OrderBy(key, order)];
        }
        catch (InvalidOperationException problem) when (problem.InnerException is TemplateError inner)
        {
            throw inner;
        }
    }

    // An undefined key stands for itself and is equal to every other: refused attributes do not end a sort of one item.
    private Func<object?, object?> Key(object? attribute, bool caseSensitive) => item =>
    {
        object? key = attribute is null ? item : _attributes.Path(item, attribute);
        return key is string text && !caseSensitive ? PythonString.Lower(text) : key;
    };

    private List<object?> Unique(object? value, CallArguments arguments)
    {
        Func<object?, object?> key = Key(arguments.Get(1, "attribute"), Comparing.IsTrue(arguments.Get(0, "case_sensitive", false)));
        DictValue seen = [];
        List<object?> unique = [];
        foreach (object? item in Iterating.Items(value))
        {
            budget.Step();
            if (seen.Contains(key(item))) continue;
            seen[key(item)] = null;
            unique.Add(item);
        }
        return unique;
    }

    private object? Extreme(object? value, CallArguments arguments, bool max)
    {
        Func<object?, object?> key = Key(arguments.Get(1, "attribute"), Comparing.IsTrue(arguments.Get(0, "case_sensitive", false)));
        List<object?> items = Listed(Iterating.Items(value));
        if (items.Count == 0) return new Undefined("No aggregated item, sequence was empty.");
        object? best = items[0];
        foreach (object? item in items.Skip(1))
        {
            int order = Comparing.Order(key(item), key(best), "<");
            if (max ? order > 0 : order < 0) best = item;
        }
        return best;
    }

    private object? Sum(object? value, CallArguments arguments)
    {
        object? attribute = arguments.Get(0, "attribute"), sum = arguments.Get(1, "start", 0L);
        foreach (object? item in Iterating.Items(value)) sum = Operators.Apply("+", sum, attribute is null ? item : _attributes.Path(item, attribute), budget);
        return sum;
    }

    private IEnumerable<object?> Map(object? value, CallArguments arguments)
    {
        List<object?> mapped = [];
        if (value is not Undefined && !Comparing.IsTrue(value)) return mapped;
        if (arguments.Positional.Count == 0)
        {
            object? attribute = arguments.Named.TryGetValue("attribute", out object? path) ? path : throw TemplateError.Type("map requires a filter argument");
            foreach (object? item in Iterating.Items(value))
            {
                budget.Step();
                mapped.Add(_attributes.Path(item, attribute, arguments.Named.GetValueOrDefault("default")));
            }
            return mapped;
        }
        string name = arguments.NeedText(0, "filter");
        CallArguments rest = arguments with { Positional = [.. arguments.Positional.Skip(1)] };
        foreach (object? item in Iterating.Items(value)) mapped.Add(filters.Apply(name, item, rest));
        return mapped;
    }

    private List<object?> Selected(object? value, CallArguments arguments, Func<object?, object?> of, bool keeps, int skipped)
    {
        string? test = arguments.Positional.Count > skipped ? arguments.NeedText(skipped, "test") : null;
        CallArguments rest = arguments with { Positional = [.. arguments.Positional.Skip(skipped + 1)] };
        List<object?> selected = [];
        if (value is not Undefined && !Comparing.IsTrue(value)) return selected;
        foreach (object? item in Iterating.Items(value))
        {
            budget.Step();
            bool holds = test is null ? Comparing.IsTrue(of(item)) : Tests.Holds(test, of(item), rest);
            if (holds == keeps) selected.Add(item);
        }
        return selected;
    }

    private static IEnumerable<object?> Pairs(object? value) => value switch
    {
        Undefined => [],
        DictValue dict => dict.Select(item => (object?)new TupleValue([item.Key, item.Value])),
        _ => throw TemplateError.Type("Can only get item pairs from a mapping."),
    };

    private List<object?> DictSorted(object? value, CallArguments arguments)
    {
        if (value is not DictValue) throw TemplateError.Type("dictsort needs a mapping");
        int place = arguments.Get(1, "by", "key") as string == "value" ? 1 : 0;
        bool caseSensitive = Comparing.IsTrue(arguments.Get(0, "case_sensitive", false));
        return Ordered(Listed(Pairs(value)), item => ((TupleValue)item!).Items[place] is string text && !caseSensitive ? PythonString.Lower(text) : ((TupleValue)item).Items[place],
            Comparing.IsTrue(arguments.Get(2, "reverse", false)));
    }

    private List<object?> Grouped(object? value, CallArguments arguments)
    {
        object? attribute = arguments.Need(0, "attribute");
        object? Named(object? item) => _attributes.Path(item, attribute) is var found && found is Undefined && arguments.Has(1, "default") ? arguments.Get(1, "default") : found;
        List<object?> groups = [];
        object? last = null;
        List<object?>? members = null;
        foreach (object? item in Ordered(Listed(Iterating.Items(value)), Named, reverse: false))
        {
            object? group = Named(item);
            if (members is null || !Comparing.AreEqual(group, last))
            {
                members = [];
                groups.Add(new TupleValue([group, members]));
            }
            members.Add(item);
            last = group;
        }
        return groups;
    }

    private List<object?> Batches(object? value, CallArguments arguments)
    {
        int size = Math.Max(arguments.Whole(0, "linecount", 1), 1);
        List<object?> batches = [.. Listed(Iterating.Items(value)).Chunk(size).Select(chunk => chunk.ToList())];
        if (arguments.Get(1, "fill_with") is { } fill && batches.LastOrDefault() is List<object?> last)
        {
            budget.ChargeItems(size - last.Count);
            last.AddRange(Enumerable.Repeat<object?>(fill, size - last.Count));
        }
        return batches;
    }

    private List<object?> Slices(object? value, CallArguments arguments)
    {
        List<object?> items = Listed(Iterating.Items(value));
        int count = Math.Max(arguments.Whole(0, "slices", 1), 1), each = items.Count / count, longer = items.Count % count, at = 0;
        budget.ChargeItems(count);
        List<object?> slices = [];
        for (int index = 0; index < count; index++)
        {
            int length = each + (index < longer ? 1 : 0);
            List<object?> slice = items.GetRange(at, length);
            if (arguments.Get(1, "fill_with") is { } fill && index >= longer) slice.Add(fill);
            slices.Add(slice);
            at += length;
        }
        return slices;
    }
}
