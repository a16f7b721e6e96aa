using Lema.Engine.Datasets.Tokenizers.Text;

namespace Lema.Engine.Datasets.Tokenizers.Patterns;

/// <summary>
/// Runs a compiled pattern by backtracking, with a stack of its own: a text of any length cannot overflow the thread's. Code points, not UTF-16 units, are
/// matched, as in Oniguruma. For one thread.
/// </summary>
internal sealed class RegexMatcher
{
    private const int NoMatch = -1;
    private readonly List<State> _states = [];
    private int[] _marks = [];
    private long _steps;

    /// <summary>Where to go on after a failure: Low &lt; Position means that a greedy run can give one more code point back; Slot ≥ 0 restores a mark.</summary>
    private readonly record struct State(int Instruction, int Position, int Low, int Slot);

    /// <summary>The end of the match that begins at <paramref name="start"/>, or -1.</summary>
    /// <exception cref="RegexTooSlowException">Backtracking took too many steps.</exception>
    public int Match(RegexProgram program, ReadOnlySpan<char> text, int start, long maxSteps)
    {
        _states.Clear();
        _steps = maxSteps;
        return Run(program, text, start);
    }

    private int Run(RegexProgram program, ReadOnlySpan<char> text, int start)
    {
        int floor = _states.Count;
        int[] outerMarks = _marks;
        if (program.Slots > 0) _marks = new int[program.Slots];
        int end = Run(program.Code, text, start, floor);
        _states.RemoveRange(floor, _states.Count - floor);
        _marks = outerMarks;
        return end;
    }

    private int Run(ReadOnlySpan<Instruction> code, ReadOnlySpan<char> text, int at, int floor)
    {
        int next = 0;
        while (true)
        {
            if (--_steps < 0) throw new RegexTooSlowException();
            Instruction instruction = code[next];
            bool goesOn = true;
            switch (instruction.Operation)
            {
                case Operation.Match: return at;
                case Operation.Set:
                    goesOn = at < text.Length && instruction.Set!.Contains(CharacterClass.CodePointAt(text, at, out int length)) && (at += length) > 0;
                    break;
                case Operation.GreedyRun or Operation.PossessiveRun:
                    goesOn = TakeRun(instruction, text, next, ref at);
                    break;
                case Operation.Split:
                    _states.Add(new State(instruction.Other, at, at, NoMatch));
                    next = instruction.Target;
                    continue;
                case Operation.Jump:
                    next = instruction.Target;
                    continue;
                case Operation.Mark:
                    _states.Add(new State(0, _marks[instruction.Min], 0, instruction.Min));
                    _marks[instruction.Min] = at;
                    break;
                case Operation.Progress:
                    goesOn = at > _marks[instruction.Min];
                    break;
                case Operation.Anchor:
                    goesOn = Holds(instruction.Anchor, text, at);
                    break;
                case Operation.Atomic:
                    int end = Run(instruction.Inner!, text, at);
                    goesOn = end >= 0;
                    if (goesOn) at = end;
                    break;
                case Operation.Look:
                    goesOn = Looks(instruction, text, at) != instruction.Negated;
                    break;
            }
            if (goesOn) next++;
            else if (!Backtrack(text, floor, ref next, ref at)) return NoMatch;
        }
    }

    private bool TakeRun(Instruction run, ReadOnlySpan<char> text, int index, ref int at)
    {
        int count = 0, low = at;
        while (count < run.Max && at < text.Length && run.Set!.Contains(CharacterClass.CodePointAt(text, at, out int length)))
        {
            at += length;
            if (++count == run.Min) low = at;
        }
        if (count < run.Min) return false;
        if (run.Operation == Operation.GreedyRun && at > low) _states.Add(new State(index + 1, at, low, NoMatch));
        return true;
    }

    private bool Backtrack(ReadOnlySpan<char> text, int floor, ref int next, ref int at)
    {
        while (_states.Count > floor)
        {
            State state = _states[^1];
            _states.RemoveAt(_states.Count - 1);
            if (state.Slot >= 0)
            {
                _marks[state.Slot] = state.Position;
                continue;
            }
            (next, at) = (state.Instruction, state.Position);
            if (state.Low == state.Position) return true;
            CharacterClass.CodePointBefore(text, at, out int length);
            at -= length;
            if (at > state.Low) _states.Add(state with { Position = at });
            return true;
        }
        return false;
    }

    private bool Looks(Instruction look, ReadOnlySpan<char> text, int at)
    {
        int from = at;
        for (int count = 0; count < look.Min; count++)
        {
            if (from == 0) return false;
            CharacterClass.CodePointBefore(text, from, out int length);
            from -= length;
        }
        return Run(look.Inner!, text, from) >= 0;
    }

    private static bool Holds(Anchor anchor, ReadOnlySpan<char> text, int at) => anchor switch
    {
        Anchor.TextStart => at == 0,
        Anchor.TextEnd => at == text.Length,
        Anchor.TextEndOrLastNewline => at == text.Length || (at == text.Length - 1 && text[at] == '\n'),
        Anchor.LineStart => at == 0 || text[at - 1] == '\n',
        Anchor.LineEnd => at == text.Length || text[at] == '\n',
        Anchor.WordBoundary => IsWordBoundary(text, at),
        _ => !IsWordBoundary(text, at),
    };

    private static bool IsWordBoundary(ReadOnlySpan<char> text, int at) =>
        (at > 0 && UnicodeProperties.Word.Contains(CharacterClass.CodePointBefore(text, at, out _)))
        != (at < text.Length && UnicodeProperties.Word.Contains(CharacterClass.CodePointAt(text, at, out _)));
}

/// <summary>A pattern whose backtracking does not end in reasonable time on a text.</summary>
internal sealed class RegexTooSlowException() : Exception("backtracking took too long");
