namespace Lema.Engine.Datasets.Tokenizers.Patterns;

/// <summary>Turns the parts of a pattern into instructions of the matcher.</summary>
internal sealed class RegexCompiler
{
    private const int LongestProgram = 20_000;
    private readonly List<Instruction> _code = [];
    private int _slots;

    /// <exception cref="RegexSyntaxException">The program would be too long.</exception>
    public static RegexProgram Compile(RegexNode node)
    {
        RegexCompiler compiler = new();
        compiler.Add(node);
        compiler.Emit(new Instruction(Operation.Match));
        return new RegexProgram(compiler._code, compiler._slots);
    }

    private void Add(RegexNode node)
    {
        switch (node)
        {
            case SetNode set:
                Emit(new Instruction(Operation.Set) { Set = set.Set });
                break;
            case SequenceNode sequence:
                foreach (RegexNode part in sequence.Parts) Add(part);
                break;
            case ChoiceNode choice:
                AddChoice(choice);
                break;
            case RepeatNode { Greed: Greed.Possessive } repeat when !IsSet(repeat.Body, out _):
                Add(new AtomicNode(repeat with { Greed = Greed.Greedy }));
                break;
            case RepeatNode repeat:
                AddRepeat(repeat);
                break;
            case AtomicNode atomic:
                Emit(new Instruction(Operation.Atomic) { Inner = Compile(atomic.Body) });
                break;
            case LookNode look:
                Emit(new Instruction(Operation.Look) { Inner = Compile(look.Body), Negated = look.Negated, Min = look.Behind ? look.Body.Width!.Value : 0 });
                break;
            case AnchorNode anchor:
                Emit(new Instruction(Operation.Anchor) { Anchor = anchor.Anchor });
                break;
            default:
                throw new InvalidOperationException($"{node.GetType().Name} has no instructions.");
        }
    }

    private void AddChoice(ChoiceNode choice)
    {
        List<Instruction> jumps = [];
        for (int index = 0; index < choice.Choices.Count; index++)
        {
            bool last = index == choice.Choices.Count - 1;
            Instruction? split = last ? null : Emit(new Instruction(Operation.Split) { Target = _code.Count + 1 });
            Add(choice.Choices[index]);
            if (!last) jumps.Add(Emit(new Instruction(Operation.Jump)));
            if (split is not null) split.Other = _code.Count;
        }
        foreach (Instruction jump in jumps) jump.Target = _code.Count;
    }

    private void AddRepeat(RepeatNode repeat)
    {
        if (repeat.Greed != Greed.Lazy && IsSet(repeat.Body, out CodePointSet? set))
        {
            Operation run = repeat.Greed == Greed.Possessive ? Operation.PossessiveRun : Operation.GreedyRun;
            Emit(new Instruction(run) { Set = set, Min = repeat.Min, Max = repeat.Max ?? int.MaxValue });
            return;
        }
        for (int count = 0; count < repeat.Min; count++) Add(repeat.Body);
        if (repeat.Max is null) AddLoop(repeat);
        else AddOptional(repeat, repeat.Max.Value - repeat.Min);
    }

    private void AddLoop(RepeatNode repeat)
    {
        int slot = _slots++;
        Instruction split = Emit(new Instruction(Operation.Split));
        int start = _code.Count - 1;
        Emit(new Instruction(Operation.Mark) { Min = slot });
        Add(repeat.Body);
        Emit(new Instruction(Operation.Progress) { Min = slot });
        Emit(new Instruction(Operation.Jump) { Target = start });
        Direct(split, start + 1, _code.Count, repeat.Greed);
    }

    private void AddOptional(RepeatNode repeat, int times)
    {
        List<(Instruction Split, int Body)> splits = [];
        for (int count = 0; count < times; count++)
        {
            splits.Add((Emit(new Instruction(Operation.Split)), _code.Count));
            Add(repeat.Body);
        }
        foreach ((Instruction split, int body) in splits) Direct(split, body, _code.Count, repeat.Greed);
    }

    private static void Direct(Instruction split, int body, int after, Greed greed) =>
        (split.Target, split.Other) = greed == Greed.Lazy ? (after, body) : (body, after);

    private static bool IsSet(RegexNode node, out CodePointSet? set)
    {
        while (node is SequenceNode { Parts.Count: 1 } sequence) node = sequence.Parts[0];
        set = (node as SetNode)?.Set;
        return set is not null;
    }

    private Instruction Emit(Instruction instruction)
    {
        if (_code.Count >= LongestProgram) throw new RegexSyntaxException("the pattern is too long once its repetitions are written out", 0);
        _code.Add(instruction);
        return instruction;
    }
}
