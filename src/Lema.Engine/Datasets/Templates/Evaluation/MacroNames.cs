using System.Collections;
using System.Reflection;
using System.Runtime.CompilerServices;
using Lema.Engine.Datasets.Templates.Parsing;

namespace Lema.Engine.Datasets.Templates.Evaluation;

/// <summary>Whether a macro's body reads <c>varargs</c> and <c>kwargs</c>: only then does it take arguments beyond its parameters.</summary>
internal sealed record MacroNames(bool VarArgs, bool KwArgs)
{
    private static readonly ConditionalWeakTable<object, MacroNames> Known = [];

    public static MacroNames Of(IReadOnlyList<Statement> body) => Known.GetValue(body, static key =>
    {
        HashSet<string> names = [];
        Collect(key, names);
        return new MacroNames(names.Contains("varargs"), names.Contains("kwargs"));
    });

    // Walks the records of the syntax tree through their properties.
    private static void Collect(object? node, HashSet<string> names)
    {
        TokenReader.CheckDepth();
        switch (node)
        {
            case Variable variable:
                names.Add(variable.Name);
                break;
            case string or null:
                break;
            case IEnumerable items:
                foreach (object? item in items) Collect(item, names);
                break;
            case ITuple tuple:
                for (int index = 0; index < tuple.Length; index++) Collect(tuple[index], names);
                break;
            case Expression or Statement or Arguments:
                foreach (PropertyInfo property in node.GetType().GetProperties()) Collect(property.GetValue(node), names);
                break;
        }
    }
}
