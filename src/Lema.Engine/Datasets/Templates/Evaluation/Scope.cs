namespace Lema.Engine.Datasets.Templates.Evaluation;

/// <summary>Variables; those of the enclosing scopes can be read and are hidden, not changed, by a <c>set</c>.</summary>
internal sealed class Scope(Scope? parent)
{
    private readonly Dictionary<string, object?> _variables = new(StringComparer.Ordinal);

    public object? this[string name]
    {
        set => _variables[name] = value;
    }

    public bool TryGet(string name, out object? value)
    {
        for (Scope? scope = this; scope is not null; scope = scope.Parent)
        {
            if (scope._variables.TryGetValue(name, out value)) return true;
        }
        value = null;
        return false;
    }

    private Scope? Parent { get; } = parent;
}
