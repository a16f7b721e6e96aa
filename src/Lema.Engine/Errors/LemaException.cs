namespace Lema.Engine.Errors;

/// <summary>A failure that a user can cause and mend. Its message names what is wrong, where, and the remedy.</summary>
public abstract class LemaException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>An input (model, config, dataset, adapter, request) that is not valid.</summary>
/// <param name="source">The file or request the problem is in.</param>
/// <param name="place">The place within it: a key, a line, a byte offset; empty when it is the whole.</param>
/// <param name="problem">What is wrong and how to mend it.</param>
public sealed class InvalidInputException(string source, string place, string problem, Exception? inner = null)
    : LemaException(place.Length == 0 ? $"{source}: {problem}" : $"{source}: {place}: {problem}", inner)
{
    public string InputSource { get; } = source;

    public string Place { get; } = place;

    public string Problem { get; } = problem;
}

/// <summary>Several problems of one input, reported together before any work starts.</summary>
public sealed class InvalidInputsException(IReadOnlyList<InvalidInputException> problems)
    : LemaException(string.Join(Environment.NewLine, problems.Select(p => p.Message)))
{
    public IReadOnlyList<InvalidInputException> Problems { get; } = problems;
}

/// <summary>Something that was asked for by name does not exist.</summary>
public sealed class NotFoundException(string kind, string name, string remedy) : LemaException($"{kind} '{name}' was not found. {remedy}")
{
    public string Kind { get; } = kind;

    public string Name { get; } = name;
}

/// <summary>A job that cannot fit its memory budget.</summary>
/// <param name="requiredBytes">The least budget with which it would fit.</param>
/// <param name="budgetBytes">The budget that was given.</param>
/// <param name="what">Which budget, by its settings key, and what needs the memory.</param>
public sealed class BudgetExceededException(long requiredBytes, long budgetBytes, string what)
    : LemaException($"{what} needs {requiredBytes:N0} bytes, the budget is {budgetBytes:N0}. Raise it to at least {requiredBytes}.")
{
    public long RequiredBytes { get; } = requiredBytes;

    public long BudgetBytes { get; } = budgetBytes;
}

/// <summary>A read or write that the operating system refused, with the file and the offset.</summary>
/// <param name="offset">In bytes; 0 also where no place in the file is to blame.</param>
public sealed class StorageException(string file, long offset, string problem, Exception? inner = null)
    : LemaException(offset > 0 ? $"{file}: at byte {offset}: {problem}" : $"{file}: {problem}", inner)
{
    public string File { get; } = file;

    public long Offset { get; } = offset;

    /// <summary>The write failed for want of space or quota and can be repeated once space is freed.</summary>
    public bool IsDiskFull { get; init; } = inner is IOException fault && Storage.StorageFault.IsDiskFull(fault);
}
