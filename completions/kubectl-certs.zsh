#compdef kubectl-certs
# zsh completion for kubectl-certs: asks the program itself.
_kubectl-certs() {
  local -a lines described order
  local line word about directive
  lines=("${(@f)$(kubectl-certs complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  directive=${${lines[-1]}#:}
  lines[-1]=()
  for line in $lines; do
    word=${line%%$'\t'*} about=${line#*$'\t'}
    described+=("${word//:/\\:}${about:+:$about}")
  done
  (( directive & 32 )) && order=(-V)
  (( $#described )) && _describe $order -t words 'kubectl certs' described
  (( directive & 4 )) || _files
}
if [ "$funcstack[1]" = "_kubectl-certs" ]; then
  _kubectl-certs "$@"
else
  compdef _kubectl-certs kubectl-certs
fi
