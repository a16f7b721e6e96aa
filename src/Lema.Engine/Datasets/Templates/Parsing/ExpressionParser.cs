using System.Globalization;
using System.Numerics;

namespace Lema.Engine.Datasets.Templates.Parsing;

/// <summary>Parses expressions by recursive descent, a method for each level of Jinja's precedence.</summary>
internal sealed class ExpressionParser(TokenReader tokens)
{
    private static readonly HashSet<string> Comparisons = ["==", "!=", "<", ">", "<=", ">="];
    private static readonly Dictionary<string, object?> Literals = new()
    {
        ["true"] = true, ["True"] = true, ["false"] = false, ["False"] = false, ["none"] = null, ["None"] = null,
    };

    public static bool IsLiteral(string name) => Literals.ContainsKey(name);

    /// <summary>One expression.</summary>
    public Expression Parse()
    {
        TokenReader.CheckDepth();
        Expression value = Or();
        while (tokens.SkipName("if"))
        {
            Expression condition = Or();
            value = new Conditional(condition, value, tokens.SkipName("else") ? Parse() : null);
        }
        return value;
    }

    /// <summary>One expression, or several with commas between them, which are a tuple.</summary>
    public Expression ParseTuple(bool withConditional = true)
    {
        Expression first = withConditional ? Parse() : Or();
        if (!tokens.Current.IsOperator(",")) return first;
        List<Expression> items = [first];
        while (tokens.SkipOperator(",") && !EndsTuple()) items.Add(withConditional ? Parse() : Or());
        return new TupleLiteral(items);
    }

    private bool EndsTuple() => tokens.Current.Kind is TokenKind.PrintEnd or TokenKind.BlockEnd || tokens.Current.IsOperator(")") || tokens.Current.IsOperator("=");

    public Expression Or()
    {
        Expression left = And();
        while (tokens.SkipName("or")) left = new Binary("or", left, And());
        return left;
    }

    private Expression And()
    {
        Expression left = Not();
        while (tokens.SkipName("and")) left = new Binary("and", left, Not());
        return left;
    }

    private Expression Not()
    {
        TokenReader.CheckDepth();
        return tokens.SkipName("not") ? new Unary("not", Not()) : Compare();
    }

    private Expression Compare()
    {
        Expression first = Sum();
        List<(string, Expression)> rest = [];
        while (true)
        {
            if (tokens.Current.Kind == TokenKind.Operator && Comparisons.Contains(tokens.Current.Text)) rest.Add((tokens.Next().Text, Sum()));
            else if (tokens.SkipName("in")) rest.Add(("in", Sum()));
            else if (tokens.Current.IsName("not") && tokens.Following.IsName("in"))
            {
                tokens.Next();
                tokens.Next();
                rest.Add(("not in", Sum()));
            }
            else break;
        }
        return rest.Count == 0 ? first : new Comparison(first, rest);
    }

    private Expression Sum()
    {
        Expression left = Concatenated();
        while (tokens.Current.IsOperator("+") || tokens.Current.IsOperator("-")) left = new Binary(tokens.Next().Text, left, Concatenated());
        return left;
    }

    private Expression Concatenated()
    {
        Expression first = Product();
        if (!tokens.Current.IsOperator("~")) return first;
        List<Expression> parts = [first];
        while (tokens.SkipOperator("~")) parts.Add(Product());
        return new Concatenation(parts);
    }

    private Expression Product()
    {
        Expression left = Power();
        while (tokens.Current is { Kind: TokenKind.Operator, Text: "*" or "/" or "//" or "%" }) left = new Binary(tokens.Next().Text, left, Power());
        return left;
    }

    private Expression Power()
    {
        Expression left = Signed(withFilters: true);
        while (tokens.SkipOperator("**")) left = new Binary("**", left, Signed(withFilters: true));
        return left;
    }

    private Expression Signed(bool withFilters)
    {
        TokenReader.CheckDepth();
        Expression value = tokens.Current is { Kind: TokenKind.Operator, Text: "+" or "-" } sign ? SignedOperand(sign.Text) : Primary();
        value = Postfix(value);
        return withFilters ? Filters(value) : value;
    }

    private Unary SignedOperand(string sign)
    {
        tokens.Next();
        return new Unary(sign, Signed(withFilters: false));
    }

    private Expression Primary()
    {
        Token token = tokens.Current;
        switch (token.Kind)
        {
            case TokenKind.Name:
                tokens.Next();
                return Literals.TryGetValue(token.Text, out object? literal) ? new Constant(literal) : new Variable(token.Text);
            case TokenKind.Text:
                string text = "";
                while (tokens.Current.Kind == TokenKind.Text) text += tokens.Next().Text;
                return new Constant(text);
            case TokenKind.Integer:
                tokens.Next();
                return new Constant(Integer(token.Text));
            case TokenKind.Float:
                tokens.Next();
                return new Constant(double.Parse(token.Text, CultureInfo.InvariantCulture));
            case TokenKind.Operator when token.Text == "(":
                return Parenthesized();
            case TokenKind.Operator when token.Text == "[":
                tokens.Next();
                return new ListLiteral(Items("]"));
            case TokenKind.Operator when token.Text == "{":
                return Dictionary();
            default:
                throw tokens.Error(token.Kind is TokenKind.Operator ? $"unexpected {token}" : $"Expected an expression, got {token}");
        }
    }

    private static object Integer(string text)
    {
        if (text.Length > 2 && char.IsAsciiLetter(text[1])) return Convert.ToInt64(text[2..], char.ToLowerInvariant(text[1]) switch { 'x' => 16, 'o' => 8, _ => 2 });
        if (text.Length > 1000) throw TemplateError.Limit("the number is too long.");
        return Values.Number.Of(BigInteger.Parse(text, CultureInfo.InvariantCulture));
    }

    private Expression Parenthesized()
    {
        tokens.Next();
        if (tokens.SkipOperator(")")) return new TupleLiteral([]);
        Expression value = ParseTuple();
        tokens.ExpectOperator(")");
        return value;
    }

    private List<Expression> Items(string end)
    {
        List<Expression> items = [];
        while (!tokens.SkipOperator(end))
        {
            if (items.Count > 0) tokens.ExpectOperator(",");
            if (tokens.SkipOperator(end)) break;
            items.Add(Parse());
        }
        return items;
    }

    private DictLiteral Dictionary()
    {
        tokens.Next();
        List<(Expression, Expression)> items = [];
        while (!tokens.SkipOperator("}"))
        {
            if (items.Count > 0) tokens.ExpectOperator(",");
            if (tokens.SkipOperator("}")) break;
            Expression key = Parse();
            tokens.ExpectOperator(":");
            items.Add((key, Parse()));
        }
        return new DictLiteral(items);
    }

    private Expression Postfix(Expression value)
    {
        while (true)
        {
            if (tokens.SkipOperator(".")) value = AfterDot(value);
            else if (tokens.SkipOperator("[")) value = Subscript(value);
            else if (tokens.Current.IsOperator("(")) value = new Call(value, Arguments());
            else return value;
        }
    }

    private Expression AfterDot(Expression value) => tokens.Current.Kind switch
    {
        TokenKind.Name => new Member(value, tokens.Next().Text),
        TokenKind.Integer => new Index(value, new Constant(Integer(tokens.Next().Text))),
        _ => throw tokens.Error("expected name or number"),
    };

    private Index Subscript(Expression value)
    {
        List<Expression> keys = [];
        while (!tokens.SkipOperator("]"))
        {
            if (keys.Count > 0) tokens.ExpectOperator(",");
            keys.Add(SubscriptKey());
        }
        if (keys.Count == 0) throw tokens.Error("expected an index");
        return new Index(value, keys.Count == 1 ? keys[0] : new TupleLiteral(keys));
    }

    private Expression SubscriptKey()
    {
        Expression? start = tokens.Current.IsOperator(":") ? null : Parse();
        if (start is not null && !tokens.Current.IsOperator(":")) return start;
        tokens.ExpectOperator(":");
        Expression? stop = SliceEnds() ? null : Parse();
        Expression? step = tokens.SkipOperator(":") && !SliceEnds() ? Parse() : null;
        return new Slice(start, stop, step);
    }

    private bool SliceEnds() => tokens.Current is { Kind: TokenKind.Operator, Text: ":" or "]" or "," };

    /// <summary>The filters, tests and calls that follow a value.</summary>
    public Expression Filters(Expression value)
    {
        while (true)
        {
            if (tokens.Current.IsOperator("|")) value = OneFilter(value);
            else if (tokens.SkipName("is")) value = OneTest(value);
            else if (tokens.Current.IsOperator("(")) value = new Call(value, Arguments());
            else return value;
        }
    }

    private Filter OneFilter(Expression value)
    {
        tokens.ExpectOperator("|");
        string name = DottedName();
        return new Filter(value, name, tokens.Current.IsOperator("(") ? Arguments() : Parsing.Arguments.None);
    }

    /// <summary>The filters of a filter or set block; the first has no bar before it in a filter block.</summary>
    public Expression BlockFilters(bool barFirst)
    {
        Expression value = new BodyText();
        if (!barFirst) value = new Filter(value, DottedName(), tokens.Current.IsOperator("(") ? Arguments() : Parsing.Arguments.None);
        while (tokens.Current.IsOperator("|")) value = OneFilter(value);
        return value;
    }

    private Expression OneTest(Expression value)
    {
        bool negated = tokens.SkipName("not");
        string name = DottedName();
        Arguments arguments = Parsing.Arguments.None;
        if (tokens.Current.IsOperator("(")) arguments = Arguments();
        else if (BeginsTestArgument())
        {
            if (tokens.Current.IsName("is")) throw tokens.Error("You cannot chain multiple tests with is");
            arguments = new Arguments([Postfix(Primary())], []);
        }
        Test test = new(value, name, arguments);
        return negated ? new Unary("not", test) : test;
    }

    private bool BeginsTestArgument()
    {
        Token token = tokens.Current;
        return token.Kind is TokenKind.Text or TokenKind.Integer or TokenKind.Float
            || (token.Kind == TokenKind.Name && token.Text is not ("else" or "or" or "and" or "if" or "in" or "not"))
            || token is { Kind: TokenKind.Operator, Text: "[" or "{" };
    }

    private string DottedName()
    {
        string name = tokens.ExpectName();
        while (tokens.SkipOperator(".")) name += "." + tokens.ExpectName();
        return name;
    }

    public Arguments Arguments()
    {
        tokens.ExpectOperator("(");
        List<Expression> positional = [];
        List<(string, Expression)> named = [];
        Expression? spread = null, namedSpread = null;
        bool first = true;
        while (!tokens.SkipOperator(")"))
        {
            if (!first) tokens.ExpectOperator(",");
            first = false;
            if (tokens.SkipOperator(")")) break;
            if (tokens.SkipOperator("*")) spread = Parse();
            else if (tokens.SkipOperator("**")) namedSpread = Parse();
            else if (tokens.Current.Kind == TokenKind.Name && tokens.Following.IsOperator("="))
            {
                string name = tokens.Next().Text;
                tokens.Next();
                named.Add((name, Parse()));
            }
            else if (named.Count > 0) throw tokens.Error("a positional argument follows a named one");
            else positional.Add(Parse());
        }
        return new Arguments(positional, named, spread, namedSpread);
    }
}
