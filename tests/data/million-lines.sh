# A million lines with one bad cell in line 999,999.
site() { echo '{"shape":{"h":2,"w":2,"c":2},"cells":[{"h":0,"w":'"$1"',"c":0,"value":1}]}'; }
{ yes "$(site 1)" | head -n 999998; site 2; site 1; } | classes-sites --read - > /dev/null
