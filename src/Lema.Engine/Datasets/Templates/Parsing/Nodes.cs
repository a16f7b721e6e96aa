namespace Lema.Engine.Datasets.Templates.Parsing;

/// <summary>An expression of a template.</summary>
internal abstract record Expression;

internal sealed record Constant(object? Value) : Expression;

internal sealed record Variable(string Name) : Expression;

internal sealed record ListLiteral(IReadOnlyList<Expression> Items) : Expression;

internal sealed record TupleLiteral(IReadOnlyList<Expression> Items) : Expression;

internal sealed record DictLiteral(IReadOnlyList<(Expression Key, Expression Value)> Items) : Expression;

/// <summary><c>target.name</c>.</summary>
internal sealed record Member(Expression Target, string Name) : Expression;

/// <summary><c>target[index]</c>.</summary>
internal sealed record Index(Expression Target, Expression Key) : Expression;

internal sealed record Slice(Expression? Start, Expression? Stop, Expression? Step) : Expression;

internal sealed record Call(Expression Target, Arguments Arguments) : Expression;

internal sealed record Filter(Expression? Target, string Name, Arguments Arguments) : Expression;

internal sealed record Test(Expression Target, string Name, Arguments Arguments) : Expression;

internal sealed record Unary(string Operator, Expression Operand) : Expression;

internal sealed record Binary(string Operator, Expression Left, Expression Right) : Expression;

/// <summary>Strings joined with <c>~</c>.</summary>
internal sealed record Concatenation(IReadOnlyList<Expression> Parts) : Expression;

/// <summary><c>a &lt; b &lt;= c</c>: each operator with its right operand.</summary>
internal sealed record Comparison(Expression First, IReadOnlyList<(string Operator, Expression Right)> Rest) : Expression;

internal sealed record Conditional(Expression Condition, Expression Then, Expression? Otherwise) : Expression;

/// <summary>The arguments of a call as written; Spread and NamedSpread are <c>*a</c> and <c>**b</c>.</summary>
internal sealed record Arguments(
    IReadOnlyList<Expression> Positional, IReadOnlyList<(string Name, Expression Value)> Named, Expression? Spread = null, Expression? NamedSpread = null)
{
    public static readonly Arguments None = new([], []);
}

/// <summary>A statement of a template.</summary>
internal abstract record Statement;

internal sealed record Data(string Text) : Statement;

internal sealed record Print(Expression Value) : Statement;

internal sealed record If(IReadOnlyList<(Expression Condition, IReadOnlyList<Statement> Body)> Branches, IReadOnlyList<Statement> Otherwise) : Statement;

internal sealed record For(
    Target Target, Expression Items, Expression? Condition, bool Recursive, IReadOnlyList<Statement> Body, IReadOnlyList<Statement> Otherwise) : Statement;

internal sealed record Set(Target Target, Expression Value) : Statement;

/// <summary><c>{% set x | filter %}…{% endset %}</c>; Filtered has the filters, around <see cref="BodyText"/>.</summary>
internal sealed record SetBlock(Target Target, Expression? Filtered, IReadOnlyList<Statement> Body) : Statement;

internal sealed record With(IReadOnlyList<(Target Target, Expression Value)> Values, IReadOnlyList<Statement> Body) : Statement;

internal sealed record Macro(string Name, IReadOnlyList<(string Name, Expression? Default)> Parameters, IReadOnlyList<Statement> Body) : Statement;

internal sealed record CallBlock(IReadOnlyList<(string Name, Expression? Default)> Parameters, Call Call, IReadOnlyList<Statement> Body) : Statement;

internal sealed record FilterBlock(Expression Filtered, IReadOnlyList<Statement> Body) : Statement;

/// <summary>The text of the enclosing block, as the innermost target of its filters.</summary>
internal sealed record BodyText : Expression;

/// <summary>What an assistant wrote: <c>{% generation %}…{% endgeneration %}</c>.</summary>
internal sealed record GenerationBlock(IReadOnlyList<Statement> Body) : Statement;

/// <summary>A named block, rendered in its place.</summary>
internal sealed record Block(IReadOnlyList<Statement> Body) : Statement;

internal sealed record Break : Statement;

internal sealed record Continue : Statement;

/// <summary>What a value is assigned to: a name, an attribute of a namespace, or several of them.</summary>
internal abstract record Target;

internal sealed record NameTarget(string Name) : Target;

internal sealed record AttributeTarget(string Name, string Attribute) : Target;

internal sealed record TupleTarget(IReadOnlyList<Target> Items) : Target;
