# PowerShell completion for kubectl-certs: asks the program itself.
Register-ArgumentCompleter -Native -CommandName 'kubectl-certs' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    # The words up to the cursor, as they are typed but for the quotes around them.
    $words = @()
    $end = 0
    foreach ($element in $commandAst.CommandElements) {
        $extent = $element.Extent
        if ($extent.StartOffset -ge $cursorPosition) {
            break
        }
        $end = $extent.EndOffset
        $text = $extent.Text
        if ($end -gt $cursorPosition) {
            $text = $text.Substring(0, $cursorPosition - $extent.StartOffset)
        }
        $words += $text.Trim("'", '"')
    }
    # PowerShell before 7.3 hands no empty argument on: a flag says that nothing of the word is typed yet.
    $call = @('complete')
    if ($end -lt $cursorPosition) {
        $call += '--next'
    }
    $call += '--'
    $call += @($words | Select-Object -Skip 1)
    $directive = 4
    $found = @()
    foreach ($line in @(& 'kubectl-certs' @call 2>$null)) {
        if ($line -match '^:([0-9]+)$') {
            $directive = [int]$Matches[1]
        } else {
            $found += $line
        }
    }
    foreach ($line in $found) {
        $word, $about = $line -split "`t", 2
        if (-not $about) {
            $about = $word
        }
        $text = $word
        if ($word -match '[\s,;(){}$|&<>@#''"`]') {
            $text = "'" + ($word -replace "'", "''") + "'"
        }
        [System.Management.Automation.CompletionResult]::new($text, $word, 'ParameterValue', $about)
    }
    # Nothing found means files to PowerShell; an empty word says that there are none.
    if ($found.Count -eq 0 -and ($directive -band 4) -ne 0) {
        ''
    }
}
