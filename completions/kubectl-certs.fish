# fish completion for kubectl-certs: asks the program itself.
function __kubectl_certs_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -e words[1]
    set -g __kubectl_certs_directive 4
    for line in (kubectl-certs complete -- $words "$current" 2>/dev/null)
        if string match -q -r '^:[0-9]+$' -- $line
            set -g __kubectl_certs_directive (string sub -s 2 -- $line)
        else
            echo $line
        end
    end
    if test (math "floor($__kubectl_certs_directive / 4) % 2") = 0
        __fish_complete_path "$current"
    end
end
complete -c kubectl-certs -e
complete -c kubectl-certs -f -k -a '(__kubectl_certs_complete)'
